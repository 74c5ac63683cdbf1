import Checkpoints
import Datasets
import FileSupport
import Metrics
import ModelKit
import Runs
import TensorCore
import TextSupport

/// The metrics that were computed of a run's checkpoints, or of a checkpoint: `evaluation.json` beside them;
/// `schemas/evaluation.schema.json` describes it.
public struct EvaluationRecord: Sendable {
    /// How and of what metrics were computed.
    public struct Entry: Sendable {
        /// The checkpoint's file, without folders.
        public var checkpoint: String
        /// SHA-256 of that file, in hexadecimal.
        public var digest: String
        public var dataset: String
        public var split: String
        public var seed: UInt64
        public var repetitions: Int
        public var withoutFactors: [String]
        /// Where generated images came from.
        public var region: String
        /// The model whose codes were the features; nil for none.
        public var features: String?
        public var tool: String
        public var date: String
        public var seconds: Double
        public var reports: [MetricReport]

        /// Whether both were computed in the same way of the same checkpoint.
        func isLike(_ other: Entry) -> Bool {
            digest == other.digest && dataset == other.dataset && split == other.split && seed == other.seed
                && repetitions == other.repetitions && withoutFactors == other.withoutFactors && region == other.region
                && features == other.features
        }
    }

    public private(set) var entries: [Entry] = []

    public init() {}

    /// Where the metrics of a checkpoint are: in its run's folder, or beside its file.
    public static func path(ofCheckpoint path: String) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count >= 2, parts[parts.count - 2] == "checkpoints" {
            let run = parts.dropLast(2).joined(separator: "/")
            let folder = RunFolder(path: run.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : run)
            if folder.hasRecord { return folder.path + "/evaluation.json" }
        }
        let base = path.hasSuffix(".h5") ? String(path.dropLast(3)) : path
        return base + ".evaluation.json"
    }

    /// What was computed of a checkpoint, and is kept: the newest number of each score, and the newest table of each metric.
    ///
    /// - Throws: `ZooError` where the record or the checkpoint cannot be read.
    public static func kept(
        ofCheckpoint path: String
    ) throws -> (scores: [MetricReport.Score], tables: [MetricTable]) {
        let record = try EvaluationRecord(reading: self.path(ofCheckpoint: path))
        guard !record.entries.isEmpty else { return ([], []) }
        let digest = try digest(ofCheckpoint: path)
        return (record.scores(ofDigest: digest), record.tables(ofDigest: digest))
    }

    /// SHA-256 of a checkpoint's file, in hexadecimal.
    ///
    /// - Throws: `ZooError` where it cannot be read.
    public static func digest(ofCheckpoint path: String) throws -> String {
        do {
            return SHA256.hexadecimal(SHA256.digest(try FileReading.bytes(of: Array(path.utf8), limit: 1 << 34)))
        } catch {
            throw ZooError("\(path) cannot be read again: \(error)", code: .system, subject: .path(path))
        }
    }

    /// What a file says; nothing where there is none.
    ///
    /// - Throws: `ZooError` where it cannot be read or understood.
    public init(reading path: String) throws {
        guard try FilePresence.isPresent(path) else { return }
        do {
            let json = try JSONValue(parsing: String(decoding: try RegularFile.text(of: path), as: UTF8.self))
            guard json["format"]?.stringValue == "zoo.evaluation/1", let list = json["evaluations"]?.arrayValue else {
                throw ZooError("it is no record of evaluations: its format is not zoo.evaluation/1", code: .damaged)
            }
            entries = try list.map(Entry.init(json:))
        } catch let error as ZooError {
            throw error.at(path)
        }
    }

    /// Adds what was computed; of the same metric, computed in the same way, only the newest stays. The metrics are in the order in
    /// which they are printed, whenever each was computed.
    public mutating func add(_ entry: Entry) {
        guard let place = entries.firstIndex(where: { $0.isLike(entry) }) else { return entries.append(entry) }
        let replaced = Set(entry.reports.map(Self.protocolKey))
        var merged = entry
        let reports = entries[place].reports.filter { !replaced.contains(Self.protocolKey($0)) } + entry.reports
        let order = Dictionary(uniqueKeysWithValues: BuiltInMetrics.all.enumerated().map { ($1.name, $0) })
        merged.reports = reports.enumerated().sorted {
            (order[$0.element.metric] ?? .max, $0.offset) < (order[$1.element.metric] ?? .max, $1.offset)
        }.map(\.element)
        merged.seconds += entries[place].seconds
        entries[place] = merged
    }

    /// What tells two ways of computing a metric apart.
    static func protocolKey(_ metric: String, version: Int = 1, parameters: [MetricReport.Parameter]) -> String {
        let values = parameters.map { "\($0.name)=\($0.value.text())" }.sorted().joined(separator: " ")
        return "\(metric)/\(version) \(values)"
    }

    private static func protocolKey(_ report: MetricReport) -> String {
        protocolKey(report.metric, version: report.version, parameters: report.parameters)
    }

    /// The ways in which metrics were computed of the same checkpoint under the same conditions.
    func protocols(like entry: Entry) -> Set<String> {
        Set(entries.filter { $0.isLike(entry) }.flatMap(\.reports).map(Self.protocolKey))
    }

    /// Writes the file, whole or not at all.
    ///
    /// - Throws: `ZooError` where it cannot.
    public func write(to path: String) throws {
        let json = ["format": "zoo.evaluation/1", "evaluations": entries.map(\.json)] as JSONValue
        try AtomicFile.write(Array((json.text(indented: true) + "\n").utf8), to: path)
    }

    /// The newest number of each score of a checkpoint, by name, in the order in which they were computed.
    public func scores(ofDigest digest: String) -> [MetricReport.Score] {
        var order: [String] = []
        var newest: [String: MetricReport.Score] = [:]
        for score in entries.filter({ $0.digest == digest }).flatMap(\.reports).flatMap(\.scores) {
            if newest[score.name] == nil { order.append(score.name) }
            newest[score.name] = score
        }
        return order.compactMap { newest[$0] }
    }

    /// The newest table of each metric of a checkpoint that has one.
    func tables(ofDigest digest: String) -> [MetricTable] {
        var tables: [MetricTable] = []
        for report in entries.filter({ $0.digest == digest }).flatMap(\.reports) {
            guard let table = report.table else { continue }
            tables.removeAll { $0.metric == report.metric }
            tables.append(MetricTable(metric: report.metric, table: table))
        }
        return tables
    }
}

/// The numbers of a metric for pairs, for instance of factors and latent dimensions.
public struct MetricTable: Sendable {
    public let metric: String
    public let table: MetricReport.Table
}

extension EvaluationRecord.Entry {
    public var json: JSONValue {
        [
            "checkpoint": checkpoint, "sha256": digest, "dataset": dataset, "split": split, "seed": String(seed),
            "repetitions": repetitions, "without_factors": withoutFactors, "from": region, "features": features,
            "tool": tool, "date": date, "seconds": seconds, "metrics": reports.map(\.json),
        ]
    }

    /// - Throws: `ZooError` naming the field that is missing or of another type.
    init(json: JSONValue) throws {
        func text(_ field: String) throws -> String {
            guard let value = json[field]?.stringValue else {
                throw ZooError("an evaluation's '\(field)' is missing or no text", code: .damaged)
            }
            return value
        }
        guard let seed = UInt64(try text("seed")), let repetitions = json["repetitions"]?.countValue,
            let reports = json["metrics"]?.arrayValue
        else {
            throw ZooError(
                "an evaluation's seed, repetitions or metrics are missing or of another type", code: .damaged)
        }
        self.init(
            checkpoint: try text("checkpoint"), digest: try text("sha256"), dataset: try text("dataset"),
            split: try text("split"), seed: seed, repetitions: repetitions,
            withoutFactors: (json["without_factors"]?.arrayValue ?? []).compactMap(\.stringValue),
            region: try text("from"), features: json["features"]?.stringValue, tool: try text("tool"),
            date: try text("date"), seconds: json["seconds"]?.numberValue ?? 0,
            reports: try reports.map(MetricReport.init(json:)))
    }
}

extension EvaluationRecord.Entry {
    /// What was computed of a model.
    ///
    /// - Parameters:
    ///   - digest: of the checkpoint's file.
    ///   - region: where generated images came from, as a command names it.
    public init(
        _ subject: MetricSubject, _ evaluation: ModelEvaluation, _ result: ModelEvaluation.Result, digest: String,
        seconds: Double, region: String
    ) {
        let path = subject.model.path
        self.init(
            checkpoint: path.split(separator: "/").last.map(String.init) ?? path, digest: digest,
            dataset: subject.images.dataset.info.name, split: subject.images.split.rawValue, seed: subject.seed,
            repetitions: evaluation.repetitions, withoutFactors: subject.withoutFactors, region: region,
            features: subject.features?.definition.name, tool: "zoo \(ZooVersion.current)", date: TimeStamp.universal,
            seconds: seconds, reports: result.reports)
    }
}

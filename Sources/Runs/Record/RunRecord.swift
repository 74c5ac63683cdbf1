import Planning
import TensorCore
import TextSupport
import Training

extension ScheduledNumbers {
    /// `kl_weight` and the like, as fields of a line of `metrics.jsonl`.
    var jsonFields: [(String, JSONValue)] { named.map { ($0.name, .number(Double($0.value))) } }
}

extension EpochRecord {
    /// A line of `metrics.jsonl`.
    public var json: JSONValue {
        let klPerDimension = klPerDimension.map { JSONValue($0) } ?? .null
        let head: [(String, JSONValue)] = [
            ("epoch", .integer(epoch)), ("step", .integer(step)), ("seconds", .number(seconds)),
            ("images_per_second", .number(imagesPerSecond)), ("learning_rate", .number(Double(learningRate))),
        ]
        return .object(
            head + scheduled.jsonFields + [
                ("train", train.json), ("validation", validation?.json ?? .null), ("test", test?.json ?? .null),
                ("active_units", JSONValue(activeCount)), ("kl_per_dimension", klPerDimension),
                ("monitored", .number(monitoredLoss)), ("best", .boolean(isBest)),
            ])
    }

    /// Latent dimensions that carry something; nil without a posterior.
    public var activeCount: Int? {
        guard let latent, latent.metrics["kl"] ?? 0 > 0 else { return nil }
        return latent.activeDimensions.filter { $0 }.count
    }

    /// Mean KL divergence of each latent dimension in nats, `[D]`; nil without a posterior.
    public var klPerDimension: [Double]? {
        guard let latent, latent.metrics["kl"] ?? 0 > 0 else { return nil }
        return latent.klPerDimension.map { $0 / Double(max(1, latent.imageCount)) }
    }
}

/// What `run.json` says of a run; schemas/run.schema.json describes it.
public struct RunRecord {
    public enum Status: String {
        case running
        case finished
        case stoppedEarly = "stopped_early"
        case interrupted
        case failed
    }

    public var model: String
    public var family: String
    public var dataset: String
    public var datasetDigest: String?
    public var seed: UInt64
    public var batchSize: Int
    public var epochs: Int
    public var totalSteps: Int
    /// nil in records of older versions.
    public var stepsPerEpoch: Int?
    public var parameterCount: Int
    public var command: [String]
    public var started: String
    public var ended: String?
    public var status = Status.running
    /// How often the run was resumed.
    public var resumptions = 0
    /// Seconds the run has taken, interruptions left out.
    public var seconds = 0.0
    public var saveInterval: String?
    public var steps = 0
    /// Whole epochs.
    public var epochsDone = 0
    public var checkpoint: String?
    public var best: (epoch: Int, loss: Double)?
    public var last: (train: MeanLosses, test: MeanLosses?)?
    public var message: String?
    public var environment: JSONValue

    /// Takes an epoch's results.
    public mutating func add(_ epoch: EpochSummary) {
        last = (epoch.train, epoch.test)
        if epoch.isBest { best = (epoch.epoch, epoch.monitoredLoss) }
    }

    /// The program and machine of this process, and the precision it computes in.
    public static func environment(_ precision: Precision) -> JSONValue {
        [
            "tool": "zoo \(ZooVersion.current)", "engine": Computing.engineVersion,
            "instruction_set": Computing.instructionSet, "threads": Computing.threadCount,
            "precision": precision.rawValue,
        ]
    }

    /// How many epochs so many steps are: `3`, or `0.18`.
    public func epochs(ofSteps steps: Int) -> String? {
        stepsPerEpoch.map { Formatting.significant(Double(steps) / Double($0), steps < $0 ? 2 : 4) }
    }

    /// `0.18/0.18`.
    public func epochsText(separator: String) -> String {
        guard let done = epochs(ofSteps: steps), let all = epochs(ofSteps: totalSteps) else {
            return "\(epochsDone)\(separator)\(epochs)"
        }
        return done + separator + all
    }

    public var json: JSONValue {
        [
            "format": "zoo.run/1", "model": model, "family": family, "dataset": dataset,
            "dataset_sha256": datasetDigest, "status": status.rawValue, "message": message, "seed": String(seed),
            "batch_size": batchSize, "epochs": epochs, "total_steps": totalSteps, "steps_per_epoch": stepsPerEpoch,
            "parameters": parameterCount, "epochs_done": epochsDone, "steps_done": steps, "started": started,
            "ended": ended, "resumptions": resumptions, "seconds": seconds, "save_every": saveInterval,
            "checkpoint": checkpoint, "best": best.map { ["epoch": $0.epoch, "loss": $0.loss] as JSONValue },
            "train": last?.train.json, "test": last?.test?.json, "environment": environment, "command": command,
        ]
    }
}

extension RunRecord {
    /// What a `run.json` says. Fields that runs of older versions lack have their defaults.
    ///
    /// - Throws: `ZooError` naming the fields that are missing or of another type.
    public init(json: JSONValue) throws {
        var problems: [String] = []
        func field<Value>(_ name: String, _ value: (JSONValue) -> Value?, or substitute: Value) -> Value {
            guard let value = json[name].flatMap(value) else {
                problems.append(name)
                return substitute
            }
            return value
        }
        guard json["format"]?.stringValue == "zoo.run/1" else {
            throw ZooError("it is no record of a run: its format is not zoo.run/1", code: .damaged)
        }
        let status = field("status", { $0.stringValue.flatMap(Status.init(rawValue:)) }, or: .failed)
        self.init(
            model: field("model", \.stringValue, or: ""), family: field("family", \.stringValue, or: ""),
            dataset: field("dataset", \.stringValue, or: ""), datasetDigest: json["dataset_sha256"]?.stringValue,
            seed: field("seed", { $0.stringValue.flatMap(UInt64.init) }, or: 0),
            batchSize: field("batch_size", \.countValue, or: 0), epochs: field("epochs", \.countValue, or: 0),
            totalSteps: field("total_steps", \.countValue, or: 0),
            stepsPerEpoch: json["steps_per_epoch"]?.countValue.flatMap { $0 > 0 ? $0 : nil },
            parameterCount: field("parameters", \.countValue, or: 0),
            command: (json["command"]?.arrayValue ?? []).compactMap(\.stringValue),
            started: field("started", \.stringValue, or: ""), ended: json["ended"]?.stringValue, status: status,
            resumptions: json["resumptions"]?.countValue ?? 0, seconds: json["seconds"]?.numberValue ?? 0,
            saveInterval: json["save_every"]?.stringValue, steps: field("steps_done", \.countValue, or: 0),
            epochsDone: field("epochs_done", \.countValue, or: 0), checkpoint: json["checkpoint"]?.stringValue,
            message: json["message"]?.stringValue, environment: json["environment"] ?? .null)
        if let epoch = json["best"]?["epoch"]?.countValue, let loss = json["best"]?["loss"]?.numberValue {
            best = (epoch, loss)
        }
        if let train = try MeanLosses(json: json["train"]) { last = (train, try MeanLosses(json: json["test"])) }
        guard problems.isEmpty else {
            throw ZooError("fields are missing or wrong: \(problems.joined(separator: ", "))", code: .damaged)
        }
    }
}

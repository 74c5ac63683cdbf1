import Checkpoints
import FileSupport
import TensorCore
import TextSupport

/// What `sweep.json` says: the runs of a sweep and what became of them.
public struct SweepRecord: Sendable {
    /// One of its runs.
    public struct Run: Sendable {
        public enum Status: String, Sendable {
            case waiting
            case finished
            case interrupted
            case failed
        }

        /// What makes it different from the others: `β = 5, seed 1`.
        public var label: String
        /// The same without the seed; nil where that leaves nothing.
        public var setting: String?
        /// Its folder within the sweep's.
        public var folder: String
        /// `zoo train …`, to make this run alone.
        public var command: [String]
        public var status: Status
        public var message: String?

        public init(
            label: String, setting: String?, folder: String, command: [String], status: Status = .waiting,
            message: String? = nil
        ) {
            self.label = label
            self.setting = setting
            self.folder = folder
            self.command = command
            self.status = status
            self.message = message
        }
    }

    private static let format = "zoo.sweep/1"

    /// What `zoo sweep` was called with.
    public var command: [String]
    public var vary: [VariedField]
    public var runs: [Run]

    public init(command: [String], vary: [VariedField], runs: [Run]) {
        self.command = command
        self.vary = vary
        self.runs = runs
    }

    /// The file within a sweep's folder.
    public static func file(in folder: String) -> String { folder + "/sweep.json" }

    /// Replaces `sweep.json` in `folder`.
    public func write(to folder: String) throws {
        try AtomicFile.write(Array((json.text(indented: true) + "\n").utf8), to: Self.file(in: folder))
    }

    /// - Returns: nil where `folder` holds no sweep.
    /// - Throws: `ZooError` where its description cannot be read.
    public static func read(from folder: String) throws -> SweepRecord? {
        let path = file(in: folder)
        guard try FilePresence.isPresent(path) else { return nil }
        do {
            let text = String(decoding: try RegularFile.text(of: path), as: UTF8.self)
            return try SweepRecord(json: JSONValue(parsing: text))
        } catch let error as ZooError {
            throw error.at(path)
        }
    }
}

extension SweepRecord {
    public var json: JSONValue {
        [
            "format": Self.format, "command": command,
            "vary": vary.map {
                ["model": $0.model, "path": $0.path, "values": $0.values] as JSONValue
            },
            "runs": runs.map {
                [
                    "label": $0.label, "setting": $0.setting, "folder": $0.folder, "status": $0.status.rawValue,
                    "message": $0.message, "command": $0.command,
                ] as JSONValue
            },
        ]
    }

    /// - Throws: `ZooError` naming what is missing or of another type, or a run that is not in the sweep's folder.
    public init(json: JSONValue) throws {
        guard json["format"]?.stringValue == Self.format else {
            throw ZooError("it is no record of a sweep: its format is not \(Self.format)", code: .damaged)
        }
        func strings(_ value: JSONValue?) -> [String] { (value?.arrayValue ?? []).compactMap(\.stringValue) }
        command = strings(json["command"])
        vary = (json["vary"]?.arrayValue ?? []).map {
            VariedField(
                model: $0["model"]?.stringValue, path: $0["path"]?.stringValue ?? "", values: strings($0["values"]))
        }
        guard let list = json["runs"]?.arrayValue else { throw ZooError("the list runs is missing", code: .damaged) }
        runs = try list.enumerated().map { index, run in
            guard let label = run["label"]?.stringValue, let folder = run["folder"]?.stringValue,
                let status = run["status"]?.stringValue.flatMap(Run.Status.init(rawValue:))
            else { throw ZooError("runs[\(index)] has not a label, a folder and a status", code: .damaged) }
            guard !folder.contains("/"), folder != "..", !folder.contains("\0") else {
                throw ZooError("the folder \(folder) of runs[\(index)] is not in the sweep's folder", code: .damaged)
            }
            return Run(
                label: label, setting: run["setting"]?.stringValue, folder: folder, command: strings(run["command"]),
                status: status, message: run["message"]?.stringValue)
        }
    }
}

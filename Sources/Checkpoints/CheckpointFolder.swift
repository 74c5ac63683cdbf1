import FileSupport
import Glibc
import TensorCore

/// The checkpoints of a run in one folder: `step-0000001234.h5` for the last steps saved, and `best.h5`.
///
/// What is there is found by looking: no file says which is the newest. Any number of processes may read while one writes.
public struct CheckpointFolder: Sendable {
    public let path: String
    /// Files that this value has written, read back and compared, or has read: they are known to be whole.
    private var verified: Set<String> = []

    public init(path: String) {
        self.path = path
    }

    /// A checkpoint of the run's steps.
    public struct Entry: Sendable, Equatable {
        public var step: Int
        public var path: String
    }

    /// A file that should be a checkpoint and cannot be read as one, or is of another step than its name states.
    public struct Rejection: Sendable, Equatable {
        public var path: String
        public var reason: String
    }

    /// The newest checkpoint that can be read.
    public struct Newest: Sendable {
        public var path: String
        public var checkpoint: Checkpoint
        /// The newer files that had to be passed over.
        public var rejected: [Rejection]

        public init(path: String, checkpoint: Checkpoint, rejected: [Rejection]) {
            self.path = path
            self.checkpoint = checkpoint
            self.rejected = rejected
        }
    }

    /// The checkpoint with the lowest loss: a second name of its step's file, while that is kept.
    public var best: String { path + "/best.h5" }

    /// The file for a step.
    public func file(step: Int) -> String {
        "\(path)/step-\(Self.digits(of: step)).h5"
    }

    private static func digits(of step: Int) -> String {
        let digits = String(step)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }

    /// The files of steps, oldest first, whole or not; none where the folder cannot be read.
    public var entries: [Entry] {
        ((try? FolderListing.names(in: path)) ?? []).compactMap { name in
            Self.step(ofFile: name).map { Entry(step: $0, path: "\(path)/\(name)") }
        }
        .sorted { ($0.step, $0.path) < ($1.step, $1.path) }
    }

    /// - Throws: `ZooError` where there is a folder and what is in it cannot be known.
    public func requireReadable() throws {
        do throws(SystemCallFailure) { _ = try FolderListing.names(in: path) } catch {
            guard error.code != ENOENT else { return }
            throw ZooError("cannot look into \(path): \(error)", code: .system, subject: .path(path))
        }
    }

    /// The step that a file's name states; nil for other names.
    private static func step(ofFile name: some StringProtocol) -> Int? {
        guard name.hasPrefix("step-"), name.hasSuffix(".h5"), let step = Int(name.dropFirst(5).dropLast(3)), step >= 0
        else { return nil }
        return step
    }

    /// Compares the step in the name of a run's file with the one that is stored in it: a run that went on from another
    /// step than it counts by would save over, and remove, the wrong files.
    ///
    /// - Throws: `ZooError` naming both.
    public static func requireNamedStep(_ checkpoint: Checkpoint, of path: String) throws {
        guard let named = step(ofFile: path.split(separator: "/").last ?? ""), let found = checkpoint.progress?.step,
            named != found
        else { return }
        throw ZooError(
            "its name says step \(named), but it holds the state after step \(found); if it belongs to this run, "
                + "call it step-\(digits(of: found)).h5", code: .mismatch, subject: .path(path))
    }

    /// Reads a checkpoint of the run.
    ///
    /// - Throws: `ZooError` when it cannot be read, or is not of the step that its name states.
    private static func read(_ path: String) throws -> Checkpoint {
        let checkpoint = try Checkpoint.read(from: path)
        do {
            try requireNamedStep(checkpoint, of: path)
        } catch let error as ZooError {
            throw error.at(path)
        }
        return checkpoint
    }

    /// Reads the newest checkpoint that is whole: of the steps first, and `best.h5` when none of them is.
    ///
    /// - Throws: `ZooError` where there is none, naming each file that was rejected and why, or the folder cannot be read.
    public mutating func newest() throws -> Newest {
        try requireReadable()
        var rejected: [Rejection] = []
        var candidates = entries.reversed().map(\.path)
        if access(best, F_OK) == 0 { candidates.append(best) }
        for path in candidates {
            do {
                let checkpoint = try Self.read(path)
                verified.insert(path)
                return Newest(path: path, checkpoint: checkpoint, rejected: rejected)
            } catch {
                let error = error as? ZooError
                rejected.append(Rejection(path: path, reason: error?.message ?? "it cannot be read"))
            }
        }
        throw ZooError(
            "\(path) has no checkpoint that can be read" + (rejected.isEmpty ? "" : ":"),
            details: rejected.map(\.reason),
            advice: rejected.isEmpty ? "was the run stopped before it was saved for the first time?" : nil,
            code: .notFound)
    }

    /// Saves the state of a step, as the best if it is, and then removes what is older than the newest `count` whole
    /// checkpoints of steps, and the state before the first step in any case. A damaged file never counts, so a whole one is
    /// never removed in its favour.
    ///
    /// - Returns: the path of the checkpoint.
    /// - Throws: `ZooError` when something cannot be stored or written; all that was there before is still there.
    @discardableResult
    public mutating func save(
        _ checkpoint: Checkpoint, step: Int, isBest: Bool = false, keeping count: Int = 3,
        using operations: some FileOperations = SystemFileOperations()
    ) throws -> String {
        let bytes = try checkpoint.encoded()
        let file = file(step: step)
        if isBest {
            // The best first: were it lost in between, going on from the older step would write it again.
            try AtomicFile.write(bytes, to: best, twin: file, using: operations)
        } else {
            try AtomicFile.write(bytes, to: file, using: operations)
        }
        verified.insert(file)
        prune(keeping: max(1, count), using: operations)
        return file
    }

    private mutating func prune(keeping count: Int, using operations: some FileOperations) {
        var kept = 0
        for entry in entries.reversed() {
            // The state before the first step is of no use once there is a later one.
            if kept >= (entry.step == 0 ? 1 : count) {
                // A file that stays does no harm; the next save tries again.
                try? operations.remove(entry.path)
                verified.remove(entry.path)
            } else if isWhole(entry.path) {
                kept += 1
            }
        }
    }

    private mutating func isWhole(_ path: String) -> Bool {
        if verified.contains(path) { return true }
        guard (try? Self.read(path)) != nil else { return false }
        verified.insert(path)
        return true
    }
}

import Checkpoints
import FileSupport
import Glibc
import TensorCore

/// A run as it is found in its folder.
public struct RunOverview {
    public enum State: String {
        case running
        case finished
        case stoppedEarly = "stopped_early"
        /// By Ctrl-C, by a signal that left no time to say so, or by a power failure.
        case interrupted
        case failed

        public var words: String { self == .stoppedEarly ? "stopped early" : rawValue }
    }

    public let folder: RunFolder
    public let record: RunRecord
    public let state: State
    /// Who trains in the folder now.
    public let writer: String?
    public let history: MetricsHistory
    /// Why the metrics, or a line of them, cannot be read.
    public let historyProblem: String?

    /// - Throws: `ZooError` where there is no run, or its record cannot be understood.
    public init(_ folder: RunFolder) throws {
        self.folder = folder
        var record = try folder.record()
        writer = folder.writer
        state =
            if writer != nil {
                .running
            } else {
                switch record.status {
                case .running, .interrupted: .interrupted
                case .finished: .finished
                case .stoppedEarly: .stoppedEarly
                case .failed: .failed
                }
            }
        do {
            history = try folder.history()
            historyProblem = history.problem.map { "\(folder.metricsFile): \($0.message)" }
        } catch {
            history = MetricsHistory("")
            historyProblem = "\(error)"
        }
        // The record is written with each checkpoint, the metrics all the time.
        if writer != nil, let step = history.steps.last?.step { record.steps = max(record.steps, step) }
        self.record = record
    }

    /// Where runs are unless another folder is named.
    public static let usualFolder = "runs"

    /// The runs in `path` and in the folders in it (a sweep has its runs in a folder), oldest first, and the folders whose
    /// record cannot be understood.
    ///
    /// - Throws: `ZooError` where `path` cannot be read; the usual folder may be missing, which is no run.
    public static func all(in path: String) throws -> (runs: [RunOverview], problems: [String]) {
        do throws(SystemCallFailure) { _ = try FolderListing.names(in: path) } catch {
            if path == usualFolder, error.code == ENOENT { return ([], []) }
            throw ZooError("cannot look for runs in \(path): \(error)", kind: .usage)
        }
        var runs: [RunOverview] = []
        var (folders, problems) = Self.folders(in: path)
        for folder in folders {
            do { runs.append(try RunOverview(folder)) } catch { problems.append("\(error)") }
        }
        return (runs.sorted { ($0.record.started, $0.folder.path) < ($1.record.started, $1.folder.path) }, problems)
    }

    /// The folders with the record of a run in `path` and in the folders in it, three levels deep, by name, and what is wrong
    /// with those that cannot be looked into.
    public static func folders(in path: String) -> (found: [RunFolder], problems: [String]) {
        var found: [RunFolder] = []
        var problems: [String] = []
        func look(_ path: String, depth: Int) {
            let folder = RunFolder(path: path)
            do {
                guard try !FilePresence.isPresent(folder.recordFile) else { return found.append(folder) }
                guard depth < 3 else { return }
                for name in try FolderListing.names(in: path).sorted() where !name.hasPrefix(".") {
                    look("\(path)/\(name)", depth: depth + 1)
                }
            } catch let failure as SystemCallFailure {
                if failure.code != ENOTDIR { problems.append("cannot look into \(path): \(failure)") }
            } catch {
                problems.append("\(error)")
            }
        }
        look(path, depth: 0)
        return (found, problems)
    }

    /// A checkpoint file of the run, whole or not.
    public struct File {
        public let path: String
        public let byteCount: Int
        /// What it is on the disk: two names may be of one file.
        public let identity: FileIdentity?
        /// How far it is; nil for one that cannot be read, or holds weights only.
        public let progress: TrainingProgress?
        /// Why it cannot be read.
        public let problem: String?

        fileprivate init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            self.path = path
            byteCount = Int(status.st_size)
            identity = FileIdentity(path)
            do {
                let checkpoint = try Checkpoint(encoded: Checkpoint.contents(of: path))
                try CheckpointFolder.requireNamedStep(checkpoint, of: path)
                progress = checkpoint.progress
                problem = nil
            } catch {
                progress = nil
                problem = (error as? ZooError)?.message ?? "\(error)"
            }
        }

        public var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    }

    /// All its checkpoints, newest first, the best last.
    public func files() -> [File] {
        let checkpoints = folder.checkpoints
        return (checkpoints.entries.reversed().map(\.path) + [checkpoints.best]).compactMap(File.init)
    }

    /// Where `zoo train --resume` would go on; nil where it would not.
    ///
    /// - Parameter files: what `files()` gave.
    public func resumption(_ files: @autoclosure () -> [File]) -> TrainingProgress? {
        guard state == .interrupted || state == .failed else { return nil }
        return files().lazy.compactMap(\.progress).first
    }
}

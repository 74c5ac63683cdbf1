import Checkpoints
import FileSupport
import Glibc
import TensorCore
import TextSupport

/// A folder that holds one training run: `definition.yaml`, `run.json`, `metrics.jsonl`, `checkpoints/`, `pictures/`.
public struct RunFolder: Sendable {
    public let path: String

    public init(path: String) {
        self.path = path
    }

    public var checkpoints: CheckpointFolder { CheckpointFolder(path: path + "/checkpoints") }
    public var pictures: String { path + "/pictures" }
    public var recordFile: String { path + "/run.json" }
    public var metricsFile: String { path + "/metrics.jsonl" }
    private var lockFile: String { path + "/.lock" }

    /// Whether there is such a folder, with a run's checkpoints in it.
    public var exists: Bool { access(checkpoints.path, F_OK) == 0 }

    /// Whether there is a record of a run in it.
    public var hasRecord: Bool { access(recordFile, F_OK) == 0 }

    /// Makes the folder and those within it.
    ///
    /// - Throws: `ZooError` where it cannot.
    public static func make(_ path: String, remedy: ZooError.Remedy? = .chooseRunFolder) throws -> RunFolder {
        let folder = RunFolder(path: path)
        for directory in [path, folder.checkpoints.path, folder.pictures] {
            try makeDirectory(directory, remedy: remedy)
        }
        guard access(path, W_OK) == 0 else {
            throw ZooError(
                "cannot write into \(path): \(String(cString: strerror(errno)))", code: .system, subject: .path(path),
                remedy: .chooseRunFolder)
        }
        return folder
    }

    /// Makes a directory and its parents.
    ///
    /// - Parameter remedy: what the user can do; nil to put a folder in its place.
    /// - Throws: `ZooError` where one cannot be made.
    public static func makeDirectory(_ path: String, remedy: ZooError.Remedy? = .chooseOutput) throws {
        guard let failure = FolderMaking.make(path) else { return }
        throw ZooError(
            failure.code == ENOTDIR && failure.folder == path
                ? "\(path) is not a folder"
                : "cannot make the folder \(failure.folder): \(String(cString: strerror(failure.code)))",
            advice: remedy == nil ? "put a folder in its place, or remove it" : nil, code: .system,
            subject: .path(failure.folder), remedy: remedy)
    }

    /// `runs/NAME-20261120-231501`, with a number behind it if that is taken.
    public static func defaultPath(model: String) -> String {
        let base = "runs/\(model)-\(TimeStamp.now(format: "%Y%m%d-%H%M%S"))"
        var path = base
        var number = 2
        while access(path, F_OK) == 0 {
            path = "\(base)-\(number)"
            number += 1
        }
        return path
    }

    // MARK: One writer

    /// Makes this process the only one that trains in the folder, until the lock goes away or the process ends.
    ///
    /// - Throws: `ZooError` (wrong usage) while another process trains there, or where a folder of the run is a link.
    public func lock() throws -> FileLock {
        for folder in [checkpoints.path, pictures] { try Self.requireNoLink(folder) }
        guard let lock = try FileLock.take(lockFile, note: "process \(getpid()) since \(TimeStamp.universal)") else {
            throw ZooError(
                "\(path) is in use: \(writer ?? "another process") is training there",
                advice: "wait for it or stop it, or choose another folder", kind: .usage, code: .inUse,
                subject: .path(path))
        }
        for folder in [path, checkpoints.path, pictures] { AtomicFile.removeUnfinished(in: folder) }
        return lock
    }

    /// - Throws: `ZooError` (wrong usage) where `folder` is a link: what is written into a stranger's run or sweep must not land
    ///   elsewhere.
    static func requireNoLink(_ folder: String) throws {
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return }
        throw ZooError(
            "\(folder) is a link, and what is saved would land where it points",
            advice: "put a folder in its place, or link the whole run or sweep", kind: .usage, code: .unsupported,
            subject: .path(folder))
    }

    /// Who trains in the folder now; nil when nobody does.
    public var writer: String? { FileLock.holder(of: lockFile) }

    /// - Throws: `ZooError` (wrong usage) where a run is there already.
    public func requireUnused() throws {
        guard !hasRecord else {
            throw ZooError(
                "\(path) holds a run already", kind: .usage, code: .alreadyExists, subject: .path(path),
                remedy: .resumeOrChooseRunFolder(run: path))
        }
    }

    // MARK: Files

    /// Most bytes of `run.json`, which has some thousands.
    private static let recordLimit = 4 << 20

    /// What `run.json` says.
    ///
    /// - Throws: `ZooError` where it is missing or cannot be understood.
    public func record() throws -> RunRecord {
        do {
            let text = try RegularFile(recordFile, limit: Self.recordLimit).contents()
            return try RunRecord(json: JSONValue(parsing: String(decoding: text, as: UTF8.self)))
        } catch let error as ZooError {
            throw error.at(recordFile)
        }
    }

    /// What `metrics.jsonl` says; nothing before the first epoch has ended.
    ///
    /// - Throws: `ZooError` where the file cannot be read.
    public func history() throws -> MetricsHistory {
        guard try FilePresence.isPresent(metricsFile) else { return MetricsHistory("") }
        do {
            return MetricsHistory(String(decoding: try RegularFile.text(of: metricsFile), as: UTF8.self))
        } catch let error as ZooError {
            throw error.at(metricsFile)
        }
    }

    /// Replaces a text file atomically.
    public func write(_ text: String, to name: String) throws {
        try AtomicFile.write(Array(text.utf8), to: "\(path)/\(name)")
    }

    /// Adds a line to a text file.
    public func append(_ line: String, to file: String) throws {
        guard let handle = fopen(file, "a") else {
            throw ZooError("cannot write \(file): \(String(cString: strerror(errno)))", code: .system)
        }
        let written = fputs(line + "\n", handle)
        let closed = fclose(handle)
        guard written >= 0, closed == 0 else {
            throw ZooError("cannot write \(file): \(String(cString: strerror(errno)))", code: .system)
        }
    }

    /// What is in the folder, in bytes; two names of one file count once.
    public var byteCount: Int {
        var seen = Set<FileIdentity>()
        func size(_ path: String, depth: Int) -> Int {
            guard let identity = FileIdentity(path) else { return 0 }
            guard identity.isFolder else { return seen.insert(identity).inserted ? identity.byteCount : 0 }
            guard depth < 4, let names = try? FolderListing.names(in: path) else { return 0 }
            return names.reduce(0) { $0 + size("\(path)/\($1)", depth: depth + 1) }
        }
        return size(path, depth: 0)
    }

    /// The pictures of one kind (`samples`, `reconstructions`), of the first epoch's steps and of all epochs, oldest first.
    public func epochPictures(_ kind: String) -> [String] {
        let names = (try? FolderListing.names(in: pictures)) ?? []
        return names.filter { $0.hasPrefix("\(kind)-epoch-") && $0.hasSuffix(".png") }.map { "\(pictures)/\($0)" }
    }

    /// - Throws: `ZooError` (wrong usage) where the folder is no run's: it says which runs are in it; or where it may not be
    ///   entered.
    public func requireRun() throws {
        if try FilePresence.isPresent(checkpoints.path) || FilePresence.isPresent(recordFile) { return }
        guard try FilePresence.isPresent(path) else {
            throw ZooError(
                "there is no folder \(path)", kind: .usage, code: .notFound, subject: .path(path),
                remedy: .listRuns(folder: nil))
        }
        let runs = RunOverview.folders(in: path).found.map(\.path)
        guard !runs.isEmpty else {
            throw ZooError(
                "\(path) is no run: it has neither run.json nor checkpoints", kind: .usage, code: .notFound,
                subject: .path(path), remedy: .listRuns(folder: nil))
        }
        throw ZooError(
            runs.count == 1
                ? "\(path) is no run, but holds one:" : "\(path) is no run, but holds \(runs.count):",
            details: Array(runs.prefix(12)),
            advice: runs.count > 12 ? nil : "give \(runs.count == 1 ? "that" : "one of them")", kind: .usage,
            code: .notFound, subject: .path(path), remedy: runs.count > 12 ? .listRuns(folder: path) : nil)
    }

    /// The newest checkpoint that can be read, and the newer files that cannot.
    ///
    /// - Throws: `ZooError` where there is none.
    public func newestCheckpoint() throws -> CheckpointFolder.Newest {
        try requireRun()
        var folder = checkpoints
        return try folder.newest()
    }
}

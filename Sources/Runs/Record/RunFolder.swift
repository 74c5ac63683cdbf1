import Checkpoints
import FileSupport
import Glibc
import TensorCore

/// A folder that holds one training run: `definition.yaml`, `run.json`, `metrics.jsonl`, `checkpoints/`, `pictures/`.
struct RunFolder {
    let path: String

    var checkpoints: CheckpointFolder { CheckpointFolder(path: path + "/checkpoints") }
    var pictures: String { path + "/pictures" }
    var recordFile: String { path + "/run.json" }
    var metricsFile: String { path + "/metrics.jsonl" }
    private var lockFile: String { path + "/.lock" }

    /// Whether there is such a folder, with a run's checkpoints in it.
    var exists: Bool { access(checkpoints.path, F_OK) == 0 }

    /// Whether there is a record of a run in it.
    var hasRecord: Bool { access(recordFile, F_OK) == 0 }

    /// Makes the folder and those within it.
    ///
    /// - Throws: `ZooError` where it cannot.
    static func make(_ path: String) throws -> RunFolder {
        let folder = RunFolder(path: path)
        for directory in [path, folder.checkpoints.path, folder.pictures] { try makeDirectory(directory) }
        guard access(path, W_OK) == 0 else {
            throw ZooError(
                "cannot write into \(path): \(String(cString: strerror(errno)))", advice: "choose another --run-dir")
        }
        return folder
    }

    /// Makes a directory and its parents.
    static func makeDirectory(_ path: String) throws {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            prefix += component
            if mkdir(prefix, 0o777) != 0, errno != EEXIST {
                throw ZooError(
                    "cannot make the folder \(prefix): \(String(cString: strerror(errno)))",
                    advice: "choose another --run-dir")
            }
            prefix += "/"
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ZooError("\(path) is not a folder", advice: "choose another --run-dir")
        }
    }

    /// `runs/NAME-20261120-231501`, with a number behind it if that is taken.
    static func defaultPath(model: String) -> String {
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
    func lock() throws -> FileLock {
        for folder in [checkpoints.path, pictures] { try Self.requireNoLink(folder) }
        guard let lock = try FileLock.take(lockFile, note: "process \(getpid()) since \(TimeStamp.universal)") else {
            throw ZooError(
                "\(path) is in use: \(writer ?? "another process") is training there",
                advice: "wait for it or stop it, or choose another --run-dir", kind: .usage)
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
            advice: "put a folder in its place, or link the whole run or sweep", kind: .usage)
    }

    /// Who trains in the folder now; nil when nobody does.
    var writer: String? { FileLock.holder(of: lockFile) }

    /// - Throws: `ZooError` (wrong usage) where a run is there already.
    func requireUnused() throws {
        guard !hasRecord else {
            throw ZooError(
                "\(path) holds a run already",
                advice: "choose another --run-dir, or go on with it: \(Tool.name) train --resume \(path)", kind: .usage)
        }
    }

    // MARK: Files

    /// What `run.json` says.
    ///
    /// - Throws: `ZooError` where it is missing or cannot be understood.
    func record() throws -> RunRecord {
        do {
            let text = String(decoding: try RegularFile.text(of: recordFile), as: UTF8.self)
            return try RunRecord(json: JSONValue(parsing: text))
        } catch let error as ZooError {
            throw ZooError("\(recordFile): \(error.message)", advice: error.advice)
        }
    }

    /// What `metrics.jsonl` says; nothing before the first epoch has ended.
    ///
    /// - Throws: `ZooError` where the file cannot be read.
    func history() throws -> MetricsHistory {
        guard access(metricsFile, F_OK) == 0 else { return MetricsHistory("") }
        return MetricsHistory(String(decoding: try RegularFile.text(of: metricsFile), as: UTF8.self))
    }

    /// Replaces a text file atomically.
    func write(_ text: String, to name: String) throws {
        try AtomicFile.write(Array(text.utf8), to: "\(path)/\(name)")
    }

    /// Adds a line to a text file.
    func append(_ line: String, to file: String) throws {
        guard let handle = fopen(file, "a") else {
            throw ZooError("cannot write \(file): \(String(cString: strerror(errno)))")
        }
        let written = fputs(line + "\n", handle)
        let closed = fclose(handle)
        guard written >= 0, closed == 0 else {
            throw ZooError("cannot write \(file): \(String(cString: strerror(errno)))")
        }
    }

    /// What is in the folder, in bytes; two names of one file count once.
    var byteCount: Int {
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
    func epochPictures(_ kind: String) -> [String] {
        let names = (try? FolderListing.names(in: pictures)) ?? []
        return names.filter { $0.hasPrefix("\(kind)-epoch-") && $0.hasSuffix(".png") }.map { "\(pictures)/\($0)" }
    }

    /// - Throws: `ZooError` (wrong usage) where the folder is no run's: it says which runs are in it.
    func requireRun() throws {
        guard !exists, !hasRecord else { return }
        guard access(path, F_OK) == 0 else {
            throw ZooError("there is no folder \(path)", advice: Self.listAdvice, kind: .usage)
        }
        let runs = RunOverview.folders(in: path).map(\.path)
        guard !runs.isEmpty else {
            throw ZooError(
                "\(path) is no run: it has neither run.json nor checkpoints", advice: Self.listAdvice, kind: .usage)
        }
        let shown = runs.prefix(12).map { "\n  \($0)" }.joined()
        throw ZooError(
            runs.count == 1
                ? "\(path) is no run, but holds one:\(shown)" : "\(path) is no run, but holds \(runs.count):\(shown)",
            advice: runs.count > 12
                ? "… give one of them; `\(Tool.name) runs list \(path)` shows all"
                : "give \(runs.count == 1 ? "that" : "one of them")",
            kind: .usage)
    }

    private static var listAdvice: String { "`\(Tool.name) runs list` shows the runs in ./runs" }

    /// The newest checkpoint that can be read; warns of each newer file that cannot.
    ///
    /// - Throws: `ZooError` where there is none.
    func newestCheckpoint() throws -> (path: String, checkpoint: Checkpoint) {
        try requireRun()
        var folder = checkpoints
        let newest = try folder.newest()
        for rejection in newest.rejected { Console.warn("passed over: \(rejection.reason)") }
        return (newest.path, newest.checkpoint)
    }
}

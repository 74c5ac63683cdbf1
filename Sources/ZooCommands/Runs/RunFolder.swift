import Checkpoints
import FileSupport
import Glibc
import TensorCore

/// A folder that holds one training run: `definition.yaml`, `run.json`, `metrics.jsonl`, `checkpoints/`, `pictures/`.
struct RunFolder {
    let path: String

    var checkpoints: String { path + "/checkpoints" }
    var pictures: String { path + "/pictures" }
    var bestCheckpoint: String { checkpoints + "/best.h5" }

    /// The checkpoint of a step.
    func checkpoint(step: Int) -> String {
        let digits = String(step)
        return "\(checkpoints)/step-\(String(repeating: "0", count: max(0, 10 - digits.count)))\(digits).h5"
    }

    /// Makes the folder and those within it.
    ///
    /// - Throws: `ZooError` where it cannot, or where a run is there already.
    static func create(_ path: String) throws -> RunFolder {
        let folder = RunFolder(path: path)
        if access(path + "/run.json", F_OK) == 0 {
            throw ZooError(
                "\(path) holds a run already",
                advice: "choose another --run-dir, or go on with it: zoo train --resume \(path)",
                kind: .usage)
        }
        for directory in [path, folder.checkpoints, folder.pictures] { try makeDirectory(directory) }
        guard access(path, W_OK) == 0 else {
            throw ZooError(
                "cannot write into \(path): \(String(cString: strerror(errno)))", advice: "choose another --run-dir")
        }
        return folder
    }

    /// Makes a directory and its parents.
    private static func makeDirectory(_ path: String) throws {
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

    /// Replaces a text file atomically.
    func write(_ text: String, to name: String) throws {
        try AtomicFile.write(Array(text.utf8), to: "\(path)/\(name)")
    }

    /// Adds a line to a text file.
    func append(_ line: String, to name: String) throws {
        let file = "\(path)/\(name)"
        guard let handle = fopen(file, "a") else {
            throw ZooError("cannot write \(file): \(String(cString: strerror(errno)))")
        }
        let written = fputs(line + "\n", handle)
        let closed = fclose(handle)
        guard written >= 0, closed == 0 else {
            throw ZooError("cannot write \(file): \(String(cString: strerror(errno)))")
        }
    }

    /// Step checkpoints, oldest first.
    var stepCheckpoints: [String] {
        guard let directory = opendir(checkpoints) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix("step-"), name.hasSuffix(".h5") { names.append(name) }
        }
        return names.sorted().map { "\(checkpoints)/\($0)" }
    }

    /// Removes all step checkpoints but the newest `count`.
    func prune(keeping count: Int) {
        for path in stepCheckpoints.dropLast(count) { unlink(path) }
    }

    /// The newest checkpoint that can be read; warns of each that cannot.
    ///
    /// - Throws: `ZooError` where there is none.
    func newestCheckpoint() throws -> (path: String, checkpoint: Checkpoint) {
        for path in stepCheckpoints.reversed() {
            do {
                return (path, try Checkpoint.read(from: path))
            } catch {
                Console.warn("skipping \(path): \(error)")
            }
        }
        throw ZooError(
            "\(path) has no checkpoint that can be read", advice: "was the run stopped before its first epoch?")
    }
}

/// Wall-clock time as text.
enum TimeStamp {
    /// Local time in `strftime`'s format.
    static func now(format: String) -> String {
        var seconds = time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return text(&parts, format)
    }

    /// UTC as in RFC 3339, to the second.
    static var universal: String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return text(&parts, "%Y-%m-%dT%H:%M:%SZ")
    }

    private static func text(_ parts: inout tm, _ format: String) -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

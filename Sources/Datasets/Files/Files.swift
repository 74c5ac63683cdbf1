import FileSupport
import Glibc
import TensorCore

/// The few questions about files that readers ask, without Foundation.
enum Files {
    enum Kind: Equatable {
        case file(byteCount: Int)
        case folder
        case other
    }

    /// What is at `path`, following links; nil if there is nothing.
    static func kind(_ path: String) -> Kind? { kind(Array(path.utf8)) }

    /// As `kind(_:)`, of a path that need not be UTF-8.
    static func kind(_ path: [UInt8]) -> Kind? {
        var status = stat()
        let result = (path + [0]).withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in text.baseAddress.map { stat($0, &status) } ?? -1 }
        }
        guard result == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file(byteCount: Int(status.st_size))
        case S_IFDIR: return .folder
        default: return .other
        }
    }

    static func isFile(_ path: String) -> Bool {
        if case .file = kind(path) { true } else { false }
    }

    static func isFolder(_ path: String) -> Bool {
        kind(path) == .folder
    }

    /// Whether files can be made in the folder `path`, or the folder itself where it is not there yet.
    static func canBeWritten(_ path: String) -> Bool {
        var folder = path
        while kind(folder) == nil, let slash = folder.lastIndex(of: "/"), slash > folder.startIndex {
            folder = String(folder[..<slash])
        }
        return access(kind(folder) == nil ? "/" : folder, W_OK | X_OK) == 0
    }

    /// `folder` and `name` with one slash between them.
    static func join(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// The part of `path` after the last slash (a slash at the end is ignored).
    static func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// The names in the folder `path`, sorted, without "." and "..".
    /// - Throws: `ZooError` if the folder cannot be read.
    static func names(in path: String) throws -> [String] {
        do { return try FolderListing.names(in: path) } catch {
            throw ZooError("cannot read the folder '\(path)': \(error)", code: .system)
        }
    }

    /// A descriptor of the regular file at `path`, which the caller closes, and the file's size. Pipes and devices are refused
    /// without waiting for them.
    /// - Throws: `ZooError` if it cannot be opened or is not a regular file.
    static func openForReading(_ path: String) throws -> (descriptor: Int32, byteCount: Int) {
        do {
            return try FileReading.open(Array(path.utf8))
        } catch {
            throw explained(error, path, limit: .max)
        }
    }

    /// The bytes of the file at `path`.
    /// - Throws: `ZooError` if it cannot be read or has more than `maximumByteCount` bytes.
    static func read(_ path: String, maximumByteCount: Int) throws -> [UInt8] {
        do {
            return try FileReading.bytes(of: Array(path.utf8), limit: maximumByteCount)
        } catch {
            throw explained(error, path, limit: maximumByteCount)
        }
    }

    private static func explained(_ failure: FileReadingFailure, _ path: String, limit: Int) -> ZooError {
        switch failure {
        case .system(let code): ZooError("cannot read '\(path)': \(reason(code))", code: .system)
        case .notRegular: ZooError("cannot read '\(path)': it is not a regular file", code: .unsupported)
        case .tooLong(let byteCount):
            ZooError("'\(path)' has \(byteCount) bytes; at most \(limit) were expected", code: .limit)
        }
    }

    /// Writes a file, replacing what is there.
    /// - Throws: `ZooError` if that fails.
    static func write(_ bytes: [UInt8], to path: String) throws {
        guard let stream = fopen(path, "wbe") else {
            throw ZooError("cannot write '\(path)': \(reason())", code: .system)
        }
        let written = fwrite(bytes, 1, bytes.count, stream)
        guard fclose(stream) == 0, written == bytes.count else {
            throw ZooError("cannot write '\(path)': \(reason())", code: .system)
        }
    }

    /// The time of the last change of the file at `path`, in nanoseconds; nil if there is none.
    static func modificationTime(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
    }

    /// Makes the folder `path` and the folders it is in.
    /// - Throws: `ZooError` if one cannot be made.
    static func makeFolder(_ path: String) throws {
        if let failure = FolderMaking.make(path) {
            throw ZooError("cannot make the folder '\(failure.folder)': \(reason(failure.code))", code: .system)
        }
    }

    /// The system's words for an error number.
    static func reason(_ code: Int32 = errno) -> String {
        String(cString: strerror(code))
    }
}

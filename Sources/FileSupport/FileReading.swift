import Glibc

/// Why a file is not read.
public enum FileReadingFailure: Error, Sendable, Equatable {
    /// The system's error number.
    case system(Int32)
    /// A folder, device or pipe.
    case notRegular
    case tooLong(byteCount: Int)
}

/// Opening and reading regular files. Folders, devices and pipes are refused without waiting for them.
public enum FileReading {
    /// A descriptor of the file, which the caller closes, and the file's length.
    ///
    /// - Parameter path: bytes of a path, which need not be UTF-8.
    public static func open(_ path: [UInt8]) throws(FileReadingFailure) -> (descriptor: Int32, byteCount: Int) {
        // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        let descriptor = (path + [0]).withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { Glibc.open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) } ?? -1
            }
        }
        guard descriptor >= 0 else { throw .system(errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .notRegular
        }
        return (descriptor, Int(status.st_size))
    }

    /// The bytes of the file; fewer than its length where it becomes shorter meanwhile.
    ///
    /// - Parameters:
    ///   - path: bytes of a path, which need not be UTF-8.
    ///   - limit: the most bytes that are read.
    public static func bytes(of path: [UInt8], limit: Int) throws(FileReadingFailure) -> [UInt8] {
        let (descriptor, byteCount) = try open(path)
        defer { close(descriptor) }
        guard byteCount <= limit else { throw .tooLong(byteCount: byteCount) }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            while count < byteCount, let start = buffer.baseAddress {
                let received = read(descriptor, start + count, byteCount - count)
                if received < 0, errno == EINTR { continue }
                if received < 0 { failure = errno }
                if received <= 0 { break }
                count += received
            }
        }
        guard failure == 0 else { throw .system(failure) }
        return bytes
    }
}

/// Making folders.
public enum FolderMaking {
    /// Makes the folder `path` and the folders it is in; those that are there stay as they are.
    ///
    /// - Returns: the first folder that cannot be made, and the system's error number; nil where all are there now.
    public static func make(_ path: String) -> (folder: String, code: Int32)? {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            prefix += component
            if mkdir(prefix, 0o777) != 0, errno != EEXIST { return (prefix, errno) }
            prefix += "/"
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return (path, ENOTDIR) }
        return nil
    }
}

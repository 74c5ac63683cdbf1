import Glibc
import TensorCore

/// A regular file open for reading; closed when the last reference goes.
package final class RegularFile: Sendable {
    private let descriptor: Int32
    /// Length in bytes when it was opened.
    package let byteCount: Int

    /// Opens `path`. Folders, devices and pipes are refused without waiting for them.
    ///
    /// - Throws: `ZooError` when it cannot be opened, is no regular file, or is longer than `limit` bytes.
    package init(_ path: String, limit: Int) throws {
        let opened: (descriptor: Int32, byteCount: Int)
        do {
            opened = try FileReading.open(Array(path.utf8))
        } catch {
            guard case .system(let code) = error else {
                throw ZooError("this is no regular file", code: .unsupported)
            }
            throw ZooError("the file cannot be opened: \(SystemCallFailure(code))", code: .system)
        }
        guard opened.byteCount <= limit else {
            close(opened.descriptor)
            throw ZooError("the file has \(opened.byteCount) bytes; at most \(limit) are read", code: .limit)
        }
        (descriptor, byteCount) = opened
    }

    deinit {
        close(descriptor)
    }

    /// Reads `target.count` bytes at `offset`.
    ///
    /// - Throws: `ZooError` when reading fails or the file has become shorter.
    package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws {
        var rest = target
        while !rest.isEmpty {
            let done = target.count - rest.count
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw ZooError("the file cannot be read: \(SystemCallFailure(errno))", code: .system)
            }
            guard count > 0 else {
                throw ZooError(
                    "the file ended at byte \(offset + done) while it was read; it had \(byteCount) bytes before",
                    code: .damaged)
            }
            rest = UnsafeMutableRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }

    /// The first `count` bytes, or all where there are fewer.
    ///
    /// - Throws: `ZooError` as `read`.
    package func start(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: min(count, byteCount))
        try bytes.withUnsafeMutableBytes { try read(at: 0, into: $0) }
        return bytes
    }

    /// The last `count` bytes, or all where there are fewer.
    ///
    /// - Throws: `ZooError` as `read`.
    package func end(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: min(count, byteCount))
        try bytes.withUnsafeMutableBytes { try read(at: byteCount - $0.count, into: $0) }
        return bytes
    }

    /// All bytes.
    ///
    /// - Throws: `ZooError` as `read`.
    package func contents() throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            try read(at: 0, into: UnsafeMutableRawBufferPointer(buffer))
            count = byteCount
        }
    }

    /// Most bytes of a file of text: a definition, a map, a record, the metrics of a run.
    package static let textLimit = 64 << 20

    /// All bytes of the text file `path`.
    ///
    /// - Throws: `ZooError` as `init`, for more than `textLimit` bytes, and as `read`.
    package static func text(of path: String) throws -> [UInt8] {
        try RegularFile(path, limit: textLimit).contents()
    }
}

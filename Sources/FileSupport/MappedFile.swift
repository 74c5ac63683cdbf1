import Glibc
import TensorCore

/// The bytes of a new file as memory, of which the system keeps as much as there is room for.
///
/// Only while the file is being made: a page that somebody's shortening takes away ends the process.
package final class MappedFile: @unchecked Sendable {
    /// The bytes, which nobody writes once the value is shared.
    package let bytes: UnsafeMutableRawBufferPointer

    private init(_ bytes: UnsafeMutableRawBufferPointer) {
        self.bytes = bytes
    }

    deinit {
        munmap(bytes.baseAddress, bytes.count)
    }

    /// A new file of zeros at `path`, for writing.
    ///
    /// - Returns: nil where it cannot be made or there is no room for it; then `errno` says why.
    package convenience init?(making path: String, byteCount: Int) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // Room is reserved now: a full disk would end the process later.
        let failure = posix_fallocate(descriptor, 0, off_t(byteCount))
        guard failure == 0 else {
            unlink(path)
            errno = failure
            return nil
        }
        self.init(descriptor, byteCount: byteCount, protection: PROT_READ | PROT_WRITE)
    }

    private convenience init?(_ descriptor: Int32, byteCount: Int, protection: Int32) {
        guard byteCount > 0 else { return nil }
        let address = mmap(nil, byteCount, protection, MAP_SHARED, descriptor, 0)
        guard let address, address != MAP_FAILED else { return nil }
        self.init(UnsafeMutableRawBufferPointer(start: address, count: byteCount))
    }

    /// Brings what was written to the disk.
    ///
    /// - Returns: whether that succeeded.
    package func synchronize() -> Bool { msync(bytes.baseAddress, bytes.count, MS_SYNC) == 0 }
}

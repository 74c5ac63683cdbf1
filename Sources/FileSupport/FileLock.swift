import Glibc
import TensorCore

/// A lock on a file (`flock`), held as long as the value lives. The system releases it when the process ends, however it
/// ends, so that a lock never outlives its holder.
public struct FileLock: ~Copyable {
    private let descriptor: Int32
    /// Why the file system cannot lock (some network file systems cannot), so that nothing keeps others away; nil where the
    /// lock holds.
    public private(set) var weakness: String?

    deinit {
        Glibc.close(descriptor)
    }

    /// Takes the lock on the file `path`, which is made if need be, and writes `note` into it for those who come later.
    ///
    /// A file system that knows no locks is no error: then the lock has a `weakness`.
    ///
    /// - Returns: nil when another holds the lock.
    /// - Throws: `ZooError` when the file cannot be opened.
    public static func take(_ path: String, note: String) throws -> FileLock? {
        try take(path, note: note, locking: flock)
    }

    /// - Parameter locking: in place of `flock`, for tests.
    static func take(
        _ path: String, note: String, locking: (Int32, Int32) -> Int32
    ) throws -> FileLock? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
        guard descriptor >= 0 else {
            guard errno != ELOOP else {
                throw ZooError(
                    "the lock \(path) is a link", advice: "remove it, if nobody trains there", code: .unsupported)
            }
            throw ZooError("cannot open the lock \(path): \(String(cString: strerror(errno)))", code: .system)
        }
        var lock = FileLock(descriptor: descriptor)
        guard isRegular(descriptor) else {
            throw ZooError(
                "the lock \(path) is no regular file", advice: "remove it, if nobody trains there", code: .unsupported)
        }
        // Who only asks (`holder(of:)`) has it for a moment: try again for a while.
        for _ in 0..<10 {
            if locking(descriptor, LOCK_EX | LOCK_NB) == 0 {
                let bytes = Array(note.utf8)
                // The note is for people; the lock holds without it.
                if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, bytes, bytes.count, 0) }
                return lock
            }
            if [ENOLCK, EOPNOTSUPP, ENOSYS].contains(errno) {
                lock.weakness = String(cString: strerror(errno))
                return lock
            }
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw ZooError("cannot lock \(path): \(String(cString: strerror(errno)))", code: .system)
            }
            usleep(20_000)
        }
        return nil
    }

    /// The note of whoever holds the lock on the file `path`; nil when nobody does.
    public static func holder(of path: String) -> String? {
        // Without O_NONBLOCK a named pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        guard isRegular(descriptor), flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return nil }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    private static func isRegular(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}

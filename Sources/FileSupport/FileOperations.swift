import Glibc

/// A system call that failed.
public struct SystemCallFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// `errno` after the call.
    public let code: Int32

    public init(_ code: Int32) {
        self.code = code
    }

    /// The system's words for the error, for instance "No space left on device".
    public var description: String {
        String(cString: strerror(code))
    }
}

/// The system calls that put a file in place. A test replaces them to make any of them fail.
///
/// Each function throws `SystemCallFailure`, and does its call once: whoever calls decides about trying again.
public protocol FileOperations {
    /// Creates `path`, which must not exist, for writing.
    func create(_ path: String) throws(SystemCallFailure) -> Int32
    /// Reserves `byteCount` bytes on the disk.
    func reserve(_ descriptor: Int32, byteCount: Int) throws(SystemCallFailure)
    /// Writes some of `bytes` and returns how many.
    func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemCallFailure) -> Int
    /// Waits until the file, or the entries of a folder, are on the disk.
    func synchronize(_ descriptor: Int32) throws(SystemCallFailure)
    /// Closes `descriptor`.
    func close(_ descriptor: Int32) throws(SystemCallFailure)
    /// Opens the file `path` for reading.
    func open(_ path: String) throws(SystemCallFailure) -> Int32
    /// Reads into `buffer` and returns how many bytes came; 0 at the end.
    func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(SystemCallFailure) -> Int
    /// Gives the file `source` the name `target`, replacing what had it.
    func rename(_ source: String, to target: String) throws(SystemCallFailure)
    /// Gives the file `source` a second name, `target`, which must not exist.
    func link(_ source: String, to target: String) throws(SystemCallFailure)
    /// Opens the folder `path`.
    func openFolder(_ path: String) throws(SystemCallFailure) -> Int32
    /// Removes the file `path`.
    func remove(_ path: String) throws(SystemCallFailure)
}

/// The system calls themselves.
public struct SystemFileOperations: FileOperations, Sendable {
    public init() {}

    public func create(_ path: String) throws(SystemCallFailure) -> Int32 {
        try Self.check(Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666))
    }

    public func reserve(_ descriptor: Int32, byteCount: Int) throws(SystemCallFailure) {
        // Returns the error instead of setting errno.
        let code = Self.holdingBackSizeSignal { posix_fallocate(descriptor, 0, off_t(byteCount)) }
        guard code == 0 else { throw SystemCallFailure(code) }
    }

    public func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemCallFailure) -> Int {
        let (count, code) = Self.holdingBackSizeSignal {
            let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            return (count, errno)
        }
        guard count >= 0 else { throw SystemCallFailure(code) }
        return count
    }

    public func synchronize(_ descriptor: Int32) throws(SystemCallFailure) {
        try Self.check(fsync(descriptor))
    }

    public func close(_ descriptor: Int32) throws(SystemCallFailure) {
        try Self.check(Glibc.close(descriptor))
    }

    public func open(_ path: String) throws(SystemCallFailure) -> Int32 {
        try Self.check(Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW))
    }

    public func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemCallFailure) -> Int {
        try Self.check(Glibc.read(descriptor, buffer.baseAddress, buffer.count))
    }

    public func rename(_ source: String, to target: String) throws(SystemCallFailure) {
        try Self.check(Glibc.rename(source, target))
    }

    public func link(_ source: String, to target: String) throws(SystemCallFailure) {
        try Self.check(Glibc.link(source, target))
    }

    public func openFolder(_ path: String) throws(SystemCallFailure) -> Int32 {
        try Self.check(Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    }

    public func remove(_ path: String) throws(SystemCallFailure) {
        try Self.check(unlink(path))
    }

    @discardableResult
    private static func check<Result: FixedWidthInteger>(_ result: Result) throws(SystemCallFailure) -> Result {
        guard result >= 0 else { throw SystemCallFailure(errno) }
        return result
    }

    /// Runs `body` without the signal that would end the process when a file outgrows its limit (`ulimit -f`): the call
    /// then fails with EFBIG as any other. Changes nothing outside this thread.
    private static func holdingBackSizeSignal<Result>(_ body: () -> Result) -> Result {
        var sizeSignal = sigset_t()
        var before = sigset_t()
        sigemptyset(&sizeSignal)
        sigaddset(&sizeSignal, SIGXFSZ)
        pthread_sigmask(SIG_BLOCK, &sizeSignal, &before)
        let result = body()
        var none = timespec(tv_sec: 0, tv_nsec: 0)
        while sigtimedwait(&sizeSignal, nil, &none) == SIGXFSZ {}
        pthread_sigmask(SIG_SETMASK, &before, nil)
        return result
    }
}

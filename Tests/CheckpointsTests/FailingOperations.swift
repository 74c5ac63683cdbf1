import FileSupport
import Glibc

/// The system's calls, one of which fails.
final class FailingOperations: FileOperations {
    enum Fault: CaseIterable, Sendable {
        static let allCases: [Fault] = [.inputOutput, .noSpace, .interruption, .shortCalls, .wrongBytes]

        /// This call and all after it fail with EIO.
        case lastingFailure
        /// The call fails with EIO.
        case inputOutput
        /// The call fails with ENOSPC.
        case noSpace
        /// The call is interrupted once.
        case interruption
        /// A write takes, and a read gives, one byte only, from the call on.
        case shortCalls
        /// What is read differs from what was written.
        case wrongBytes
    }

    let system = SystemFileOperations()
    let fault: Fault
    let failingCall: Int
    /// If given, every call of this name fails instead.
    var failingName: String?
    /// Calls so far, and which of them was the one that failed.
    var calls: [String] = []
    var openDescriptors: Set<Int32> = []
    /// Whether the failing call was reached.
    var isReached: Bool { calls.count > failingCall }

    init(_ fault: Fault, at call: Int) {
        self.fault = fault
        failingCall = call
    }

    private func call(_ name: String) throws(SystemCallFailure) {
        calls.append(name)
        if let failingName {
            guard name == failingName else { return }
            throw SystemCallFailure(EPERM)
        }
        guard calls.count - 1 == failingCall || fault == .lastingFailure && isReached else { return }
        switch fault {
        case .inputOutput, .lastingFailure: throw SystemCallFailure(EIO)
        case .noSpace: throw SystemCallFailure(ENOSPC)
        case .interruption: throw SystemCallFailure(EINTR)
        case .shortCalls, .wrongBytes: break
        }
    }

    func create(_ path: String) throws(SystemCallFailure) -> Int32 {
        try call("create")
        let descriptor = try system.create(path)
        openDescriptors.insert(descriptor)
        return descriptor
    }

    func reserve(_ descriptor: Int32, byteCount: Int) throws(SystemCallFailure) {
        try call("reserve")
        try system.reserve(descriptor, byteCount: byteCount)
    }

    func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemCallFailure) -> Int {
        try call("write")
        let count = fault == .shortCalls && isReached ? min(1, bytes.count) : bytes.count
        return try system.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    }

    func synchronize(_ descriptor: Int32) throws(SystemCallFailure) {
        try call("synchronize")
        try system.synchronize(descriptor)
    }

    func close(_ descriptor: Int32) throws(SystemCallFailure) {
        // As on Linux: the descriptor is gone even when close fails.
        openDescriptors.remove(descriptor)
        try system.close(descriptor)
        try call("close")
    }

    func open(_ path: String) throws(SystemCallFailure) -> Int32 {
        try call("open")
        let descriptor = try system.open(path)
        openDescriptors.insert(descriptor)
        return descriptor
    }

    func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemCallFailure) -> Int {
        try call("read")
        let size = fault == .shortCalls && isReached ? 1 : buffer.count
        let count = try system.read(descriptor, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<size]))
        if fault == .wrongBytes, isReached, count > 0 { buffer[0] ^= 1 }
        return count
    }

    func rename(_ source: String, to target: String) throws(SystemCallFailure) {
        try call("rename")
        try system.rename(source, to: target)
    }

    func link(_ source: String, to target: String) throws(SystemCallFailure) {
        try call("link")
        try system.link(source, to: target)
    }

    func openFolder(_ path: String) throws(SystemCallFailure) -> Int32 {
        try call("openFolder")
        let descriptor = try system.openFolder(path)
        openDescriptors.insert(descriptor)
        return descriptor
    }

    func remove(_ path: String) throws(SystemCallFailure) {
        try call("remove")
        try system.remove(path)
    }
}

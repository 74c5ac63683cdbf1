import Checkpoints
import FileSupport
import Foundation
import Glibc
import TensorCore
import Testing

/// Writes without any care, for files that a test then reads.
func writePlainly(_ bytes: [UInt8], _ path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
}

/// The system's calls, one of which fails.
private final class FailingOperations: FileOperations {
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

@Suite struct AtomicFileTests {
    static let old = Array("the old file".utf8)
    static let new = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }

    @Test func replacesAndCreates() throws {
        try Samples.withFolder { folder in
            for bytes in [Self.old, Self.new, []] {
                try AtomicFile.write(bytes, to: folder + "/file")
                #expect(try Samples.bytes(of: folder + "/file") == bytes)
            }
            #expect(try Samples.names(in: folder) == ["file"])
        }
    }

    @Test(arguments: FailingOperations.Fault.allCases)
    fileprivate func everyFailingCallLeavesTheOldOrTheNewFile(_ fault: FailingOperations.Fault) throws {
        try Samples.withFolder { folder in
            let path = folder + "/file"
            var index = 0
            while true {
                try writePlainly(Self.old, path)
                let operations = FailingOperations(fault, at: index)
                var error: ZooError?
                do {
                    try AtomicFile.write(Self.new, to: path, using: operations)
                } catch let failure as ZooError { error = failure }
                guard operations.isReached else { break }

                let place: Comment = "call \(index) of \(operations.calls): \(error?.message ?? "saved")"
                let found = try Samples.bytes(of: path)
                let isReplaced = operations.calls.prefix(index).contains("rename")
                switch error {
                case nil: #expect(found == Self.new, place)
                case .some(let error) where isReplaced:
                    #expect(found == Self.new && error.message.contains("is in place"), place)
                case .some(let error):
                    #expect(found == Self.old && error.message.contains("before is unchanged"), place)
                }
                #expect(try Samples.names(in: folder) == ["file"], place)
                #expect(operations.openDescriptors.isEmpty, place)
                switch fault {
                case .inputOutput, .noSpace, .lastingFailure: #expect(error != nil, place)
                case .shortCalls: #expect(error == nil, place)
                // Closing and bringing to the disk must not be tried again.
                case .interruption:
                    let name = operations.calls[index]
                    #expect((error == nil) == !["synchronize", "close", "rename"].contains(name), place)
                case .wrongBytes: #expect((error == nil) == !operations.calls[index...].dropFirst().contains("remove"))
                }
                index += 1
            }
            // create, reserve, write, synchronize, close, open, read, read, close, rename, openFolder, synchronize, close
            #expect(index == 13 || fault != .inputOutput)
        }
    }

    /// A disk that fails and stays so: even the temporary file cannot be removed then.
    @Test func aTemporaryFileThatStaysIsTold() throws {
        for index in 1..<10 {
            try Samples.withFolder { folder in
                let path = folder + "/file"
                try writePlainly(Self.old, path)
                let operations = FailingOperations(.lastingFailure, at: index)
                let error = #expect(throws: ZooError.self) {
                    try AtomicFile.write(Self.new, to: path, using: operations)
                }
                let names = try Samples.names(in: folder)
                #expect(names.count == 2 && names.last == "file")
                #expect(error?.message.contains("\(names.first ?? "?") could not be removed") == true)
                #expect(try Samples.bytes(of: path) == Self.old)
                #expect(operations.openDescriptors.isEmpty)
            }
        }
    }

    @Test func aFolderIsNotReplaced() throws {
        try Samples.withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/file", withIntermediateDirectories: false)
            let error = #expect(throws: ZooError.self) { try AtomicFile.write(Self.new, to: folder + "/file") }
            #expect(error?.message.contains("put the new file in place") == true)
            #expect(try Samples.names(in: folder) == ["file"])
        }
    }

    @Test func pathsThatNameNoFile() {
        for path in ["", "/", "folder/", ".", "a/.."] {
            #expect(throws: ZooError.self, "\(path)") { try AtomicFile.write(Self.new, to: path) }
        }
        let error = #expect(throws: ZooError.self) { try AtomicFile.write(Self.new, to: "/no/such/folder/file") }
        #expect(error?.message.contains("No such file or directory") == true)
    }

    @Test func longNamesCanBeWritten() throws {
        try Samples.withFolder { folder in
            let path = folder + "/" + String(repeating: "ä", count: 127)
            try AtomicFile.write(Self.new, to: path)
            #expect(try Samples.bytes(of: path) == Self.new)
        }
    }

    #if compiler(>=6.2)
        /// A limit on the size of files (`ulimit -f`) ends in an error, not in the signal that ends the process.
        @Test func aFileSizeLimitKeepsTheOldFile() async {
            await #expect(processExitsWith: .success) {
                try Samples.withFolder { folder in
                    let path = folder + "/a.h5"
                    try Samples.small().write(to: path)
                    let before = try Samples.bytes(of: path)
                    var limit = rlimit(rlim_cur: 30_000, rlim_max: 30_000)
                    try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
                    let error = #expect(throws: ZooError.self) {
                        try Samples.layered(20, weightCount: 10_000).write(to: path)
                    }
                    try #require(error?.message.contains("File too large") == true)
                    try #require(try Samples.bytes(of: path) == before)
                    try #require(try Samples.names(in: folder) == ["a.h5"])
                }
            }
        }
    #endif
}

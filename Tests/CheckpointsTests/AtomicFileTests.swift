import Checkpoints
import FileSupport
import Foundation
import Glibc
import TensorCore
import TestSupport
import Testing

/// Writes without any care, for files that a test then reads.
func writePlainly(_ bytes: [UInt8], _ path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
}

@Suite struct AtomicFileTests {
    static let old = Array("the old file".utf8)
    static let new = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }

    @Test func replacesAndCreates() throws {
        try withTemporaryFolder { folder in
            for bytes in [Self.old, Self.new, []] {
                try AtomicFile.write(bytes, to: folder + "/file")
                #expect(try Samples.bytes(of: folder + "/file") == bytes)
            }
            #expect(try Samples.names(in: folder) == ["file"])
        }
    }

    @Test(arguments: FailingOperations.Fault.allCases)
    func everyFailingCallLeavesTheOldOrTheNewFile(_ fault: FailingOperations.Fault) throws {
        try withTemporaryFolder { folder in
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
            try withTemporaryFolder { folder in
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
        try withTemporaryFolder { folder in
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
        try withTemporaryFolder { folder in
            let path = folder + "/" + String(repeating: "ä", count: 127)
            try AtomicFile.write(Self.new, to: path)
            #expect(try Samples.bytes(of: path) == Self.new)
        }
    }

    #if compiler(>=6.2)
        /// A limit on the size of files (`ulimit -f`) ends in an error, not in the signal that ends the process.
        @Test func aFileSizeLimitKeepsTheOldFile() async {
            await #expect(processExitsWith: .success) {
                try withTemporaryFolder { folder in
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

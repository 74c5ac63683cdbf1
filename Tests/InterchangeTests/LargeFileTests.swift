import Foundation
import Glibc
import TensorCore
import TestSupport
import Testing

@testable import Interchange

/// Of files that say at one end what is in them, only that is read.
@Suite(.serialized) struct LargeFileTests {
    private func withFile(_ name: String, _ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/\(name)"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            try body(path)
        }
    }

    private static func safetensors(_ header: String) -> [UInt8] {
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + header.utf8
    }

    #if compiler(>=6.3)
        /// Looks at the file `path`: the names and the values of its smallest tensor, or why it is refused.
        ///
        /// - Throws: `ZooError` when that is not `expected`, or takes more than a little memory.
        static func check(_ path: String, _ expected: String) throws {
            ProcessMemory.resetPeak()
            let before = ProcessMemory.peak()
            var outcome: String
            do {
                let tensors = try ForeignFile(path: path).tensors
                let smallest = tensors.min { $0.byteCount < $1.byteCount }
                outcome = "\(tensors.map(\.name)) \(try smallest?.floats() ?? [])"
            } catch let error as ZooError {
                outcome = error.message
            }
            let growth = ProcessMemory.peak() - before
            guard outcome.contains(expected), growth < 64 << 20 else {
                throw ZooError("\(path): +\(growth >> 20) MiB, \(outcome)")
            }
        }

        private static let two: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
        private static let readable = safetensors(
            #"{"small":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
                + #""big":{"dtype":"F16","shape":[1000000000],"data_offsets":[8,2000000008]}}"#)

        /// In a process of its own, for others would be counted, too.
        @Test(
            arguments: [
                ("read.safetensors", readable + two, readable.count + 2_000_000_008, #"["small", "big"] [1.0, 2.0]"#),
                (
                    "a.safetensors", safetensors(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#), 2 << 30,
                    "follow the header"
                ),
                (
                    "a.npy", NumPyArchive.encode(NamedTensor(path: "a", shape: [1], values: [1])), 2 << 30,
                    "does not fill"
                ),
                ("a.npz", Array("PK\u{3}\u{4}a.npy".utf8), 2 << 30, "no end record"),
                ("a.pt", Array("PK\u{3}\u{4}archive/data.pkl".utf8), 2 << 30, "a Python pickle"),
                ("a.onnx", [0x08, 0x07], 2 << 30, "less than 2 GiB"),
                ("a.h5", [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 9], 2 << 30, "superblock"),
            ] as [(String, [UInt8], Int, String)])
        func onlyWhatIsNeededIsRead(name: String, start: [UInt8], byteCount: Int, expected: String) async throws {
            let folder = FileManager.default.temporaryDirectory.path + "/zoo-test-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let path = "\(folder)/\(name)"
            try Data(start).write(to: URL(fileURLWithPath: path))
            // The rest are zeros that take no room on the disk.
            try #require(truncate(path, off_t(byteCount)) == 0)
            await #expect(processExitsWith: .success) { [path = path as String, expected = expected as String] in
                try LargeFileTests.check(path, expected)
            }
        }
    #endif

    /// What is read from a file on the disk is what is read from its bytes.
    @Test(arguments: [
        "numpy.npz", "compressed.npz", "fortran.npz", "h5py.h5", "keras.weights.h5", "keras.h5", "typed.onnx",
        "latest.h5", "user_block-latest.h5", "user_block-earliest.h5", "shared.h5", "track_order.h5",
    ])
    func filesAreReadAsTheirBytes(name: String) throws {
        let bytes = try Fixtures.bytes(name)
        try withFile(name, bytes) { path in
            let (read, decoded) = (try ForeignFile(path: path), try ForeignFile(bytes, path: path))
            #expect(!read.tensors.isEmpty && read.tensors.count == decoded.tensors.count)
            for (one, other) in zip(read.tensors, decoded.tensors) {
                #expect(one.name == other.name && one.shape == other.shape && one.elementType == other.elementType)
                #expect(try one.bytes() == other.bytes())
            }
            #expect(read.metadata == decoded.metadata && read.notes == decoded.notes)
        }
    }

    /// A file that becomes shorter after it was looked at is an error, not a crash.
    @Test func aFileThatIsCutShortMeanwhile() throws {
        let header = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        let start = Self.safetensors(header)
        try withFile("a.safetensors", start + [UInt8](repeating: 0, count: 8)) { path in
            let file = try ForeignFile(path: path)
            try #require(truncate(path, off_t(start.count + 4)) == 0)
            let error = #expect(throws: ZooError.self) { try file.tensors[0].floats() }
            #expect(error?.message.contains("ended at byte") == true, "\(String(describing: error))")
        }
    }
}

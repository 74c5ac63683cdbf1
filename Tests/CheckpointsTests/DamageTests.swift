import Checkpoints
import FileSupport
import Glibc
import TensorCore
import TestSupport
import Testing

/// Damaged and hostile files: an error or the same content, and never a trap.
@Suite struct DamageTests {
    @Test func truncationAtEveryByteIsFound() throws {
        let bytes = try Samples.small().encoded()
        for count in 0..<bytes.count {
            #expect(throws: ZooError.self, "\(count) bytes") { try Checkpoint(encoded: Array(bytes[..<count])) }
        }
        #expect(throws: ZooError.self) { try Checkpoint(encoded: bytes + [0]) }
    }

    /// A file with a hole of 3 GB behind the checkpoint is refused by its ends, not read.
    @Test func aFileThatIsTooLongIsNotRead() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/x.h5"
            try Samples.small().write(to: path)
            #expect(truncate(path, 3 << 30) == 0)
            let duration = ContinuousClock().measure {
                var error = #expect(throws: ZooError.self) { _ = try Checkpoint.read(from: path) }
                #expect(error?.message.contains("end of the checkpoint is damaged") == true)
                error = #expect(throws: ZooError.self) { _ = try Checkpoint.verify(path: path) }
                #expect(error?.message.contains("end of the checkpoint is damaged") == true)
            }
            #expect(duration < .seconds(1))
        }
    }

    /// What is wrong with packed bytes: their number, or their checksum.
    @Test func packedBytes() throws {
        var packed: [UInt8] = [120, 156, 171, 202, 207, 7, 0, 2, 190, 1, 89]  // zlib.compress(b"zoo")
        func unpacked(_ count: Int) throws -> [UInt8] {
            try Inflater.inflate(packed[...], to: count, wrapper: .zlib, of: "a chunk")
        }
        #expect(try unpacked(3) == Array("zoo".utf8))
        #expect(throws: ZooError.self) { try unpacked(4) }
        packed[10] ^= 1
        let error = #expect(throws: ZooError.self) { try unpacked(3) }
        #expect(error?.message.contains("its checksum does not match") == true, "\(error?.message ?? "")")
    }

    @Test func aChangeOfEveryByteIsFound() throws {
        var bytes = try Samples.small().encoded()
        for index in bytes.indices {
            let change = UInt8(1) << UInt8(index % 8)
            bytes[index] ^= change
            #expect(throws: ZooError.self, "byte \(index)") { try Checkpoint(encoded: bytes) }
            bytes[index] ^= change
        }
    }

    /// Without the trailer, a change may hit padding; then the content must be the same.
    @Test func aChangeOfEveryByteWithoutTrailerIsFoundOrHarmless() throws {
        var bytes = try Samples.small().encoded()
        bytes.removeLast(CheckpointTrailer.byteCount)
        for index in bytes.indices {
            bytes[index] ^= 0x81
            if let back = try? Checkpoint(encoded: bytes, acceptsUnverified: true) {
                #expect(back == Samples.small(), "byte \(index)")
            }
            bytes[index] ^= 0x81
        }
    }

    enum Repair: CaseIterable, Sendable {
        /// The file as it was changed.
        case nothing
        /// The trailer is that of the changed file.
        case trailer
        /// The trailer and the checksums of all metadata.
        case checksums
    }

    @Test(arguments: Repair.allCases) func mutationsNeverTrap(_ repair: Repair) throws {
        let original = Samples.small()
        let bytes = try original.encoded()
        let chunks = Self.checkedChunks(in: bytes)
        #expect(chunks.count > 20)
        var numbers = SplitMix64(state: 20)
        var accepted = 0
        for _ in 0..<(repair == .nothing ? 4_000 : repair == .trailer ? 6_000 : 20_000) {
            var changed = bytes
            // Most changes where they matter: in the metadata.
            let target = chunks.randomElement(using: &numbers).map { Bool.random(using: &numbers) ? $0 : nil } ?? nil
            for _ in 0..<Int.random(in: 1...3, using: &numbers) {
                changed.mutate(in: target ?? 0..<bytes.count, &numbers)
            }
            if repair == .checksums {
                for chunk in chunks { Self.repairChecksum(of: chunk, in: &changed) }
            }
            if repair != .nothing, changed.count > CheckpointTrailer.byteCount {
                changed.removeLast(CheckpointTrailer.byteCount)
                CheckpointTrailer.append(to: &changed)
            }
            guard let back = try? Checkpoint(encoded: changed) else { continue }
            accepted += 1
            if repair == .nothing { #expect(back == original) }
        }
        // The repaired files must reach the inner parts of the reader: some are even whole.
        #expect(repair == .nothing || accepted > 100)
    }

    /// The parts of a sound file that end with a checksum, the checksum included.
    private static func checkedChunks(in bytes: [UInt8]) -> [Range<Int>] {
        let signatures = ["OHDR", "OCHK"].map { Array($0.utf8) }
        var chunks = [0..<48]
        for start in bytes.indices where signatures.contains(where: { bytes[start...].starts(with: $0) }) {
            let ends = (start + 8)..<min(start + 4_096, bytes.count)
            let end = ends.first { HDF5Checksum.lookup3(bytes[start..<$0 - 4]) == number(bytes[$0 - 4..<$0]) }
            if let end { chunks.append(start..<end) }
        }
        return chunks
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func repairChecksum(of chunk: Range<Int>, in bytes: inout [UInt8]) {
        guard chunk.upperBound <= bytes.count else { return }
        let checksum = HDF5Checksum.lookup3(bytes[chunk.lowerBound..<chunk.upperBound - 4])
        for index in 0..<4 {
            bytes[chunk.upperBound - 4 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(index)))
        }
    }
}

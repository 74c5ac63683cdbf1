import Checkpoints
import Foundation
import TensorCore
import TestSupport
import Testing

/// Reading a checkpoint's header and single tensors.
@Suite struct OutlineTests {
    @Test func theOutlineIsTheCheckpointWithoutItsTensors() throws {
        try withTemporaryFolder { folder in
            let whole = Samples.small()
            try whole.write(to: folder + "/a.h5")
            let outline = try CheckpointOutline(path: folder + "/a.h5")
            var header = whole
            header.parameters = []
            header.buffers = []
            header.optimizer = []
            #expect(outline.header == header)
            #expect(outline.isResumable)
            #expect(outline.byteCount == (try Samples.bytes(of: folder + "/a.h5").count))
            #expect(outline.digest == (try Checkpoint.verify(path: folder + "/a.h5").digest))
            let expected = whole.parameters + whole.buffers + whole.optimizer.flatMap(\.tensors)
            #expect(outline.tensors.map(\.path) == expected.map(\.path))
            #expect(outline.tensors.map(\.shape) == expected.map(\.shape))
            #expect(try outline.tensors.map { try outline.values(of: $0) } == expected.map(\.values))
            #expect(outline.tensors.last?.role == .optimizer("first_moment"))
        }
    }

    @Test func everyTruncationIsRefusedButThatOfTheDigest() throws {
        try withTemporaryFolder { folder in
            let bytes = try Samples.small().encoded()
            for count in stride(from: 0, to: bytes.count, by: 13) {
                try Data(bytes[..<count]).write(to: URL(fileURLWithPath: folder + "/a.h5"))
                #expect(throws: ZooError.self, "\(count) bytes") { try CheckpointOutline(path: folder + "/a.h5") }
            }
            try Data(bytes.dropLast(40)).write(to: URL(fileURLWithPath: folder + "/a.h5"))
            #expect(try CheckpointOutline(path: folder + "/a.h5").digest == nil)
        }
    }

    /// One changed byte is refused, or in padding or the digest of the file, or found when its tensor is read.
    @Test func everyChangedByteIsFoundOrHarmless() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.h5"
            let checkpoint = Samples.small()
            let bytes = try checkpoint.encoded()
            try checkpoint.write(to: path)
            let whole = try CheckpointOutline(path: path)
            let values = try whole.tensors.map { try whole.values(of: $0) }
            for place in stride(from: 0, to: bytes.count, by: 11) {
                var changed = bytes
                changed[place] ^= UInt8(1 << (place % 8))
                try Data(changed).write(to: URL(fileURLWithPath: path))
                guard let outline = try? CheckpointOutline(path: path) else { continue }
                #expect(outline.header == whole.header, "byte \(place)")
                for (index, tensor) in outline.tensors.enumerated() {
                    guard let read = try? outline.values(of: tensor) else { continue }
                    #expect(read == values[index], "byte \(place)")
                }
            }
        }
    }

    @Test func statisticsOfAPlainAutoencoder() throws {
        var checkpoint = Samples.small()
        checkpoint.latentStatistics = LatentStatistics(
            meanOfMean: [0, 1], varianceOfMean: [1, 2], meanVariance: [], kl: [], active: [true, true], imageCount: 5,
            split: "test", dataset: "größe", factors: ["a"], factorEntropies: [0.5], mutualInformation: [0.1, 0.2])
        #expect(try Checkpoint(encoded: checkpoint.encoded()) == checkpoint)
        checkpoint.latentStatistics?.kl = [1, 2]
        #expect(throws: ZooError.self) { try checkpoint.encoded() }
    }
}

import Checkpoints
import Foundation
import TensorCore
import Testing

/// Files of older versions of the format stay readable.
@Suite struct VersionTests {
    /// `Samples.small()` as the zoo wrote it before version 2.
    static let versionOne = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/version-1.h5").path

    @Test func versionOneIsRead() throws {
        var expected = Samples.small()
        expected.progress?.batchesInEpoch = 0
        expected.progress?.stepLimit = nil
        expected.progress?.elapsedSeconds = 0
        let checkpoint = try Checkpoint.read(from: Self.versionOne)
        #expect(checkpoint == expected)
        #expect(try Checkpoint(encoded: try checkpoint.encoded()) == expected)
    }
}

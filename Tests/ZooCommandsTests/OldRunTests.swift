import Checkpoints
import Foundation
import ModelKit
import Runs
import TensorCore
import Testing

@testable import ZooCommands

/// A run folder that an older version has made: it is shown, looked at and resumed to the last bit.
@Suite struct OldRunTests {
    private let folder: TemporaryFolder
    private let fixture: URL
    private var run: String { folder.path + "/run" }

    init() throws {
        folder = try TemporaryFolder()
        fixture = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
            .appendingPathComponent("OldRun")
        try FileManager.default.copyItem(atPath: fixture.appendingPathComponent("run").path, toPath: run)
    }

    @Test func isResumedToTheLastBit() throws {
        let pictures = fixture.appendingPathComponent("pictures-of-8").path
        let shown = try zoo(["runs", "show", run, "--json"]).object()
        #expect((shown["record"] as? [String: Any])?["steps_done"] as? Int == 6)
        let result = try zoo([
            "train", "--resume", run, "--epochs", "4", "--image-folder", pictures, "--quiet", "--json",
        ])
        #expect(result.status == 0, "\(result.errors)")
        let trained = try result.object()
        #expect(trained["steps"] as? Int == 12)
        let loss = try #require((trained["train"] as? [String: Any])?["loss"] as? Double)
        // What the older version's own run of four epochs has recorded.
        #expect(abs(loss - 44.26728900081732) < 1e-5)
        let expected = try Checkpoint.read(from: fixture.appendingPathComponent("expected.h5").path)
        let newest = try RunFolder(path: run).newestCheckpoint().checkpoint
        #expect(newest.parameters.map(\.path) == expected.parameters.map(\.path))
        // The order of sums differs between instruction sets.
        if newest.provenance["instruction_set"] == expected.provenance["instruction_set"] {
            #expect(newest.weights == expected.weights)
        }
        for (found, wanted) in zip(newest.weights, expected.weights) {
            for (a, b) in zip(found.values, wanted.values) { #expect(abs(a - b) < 1e-4) }
        }
    }

    @Test func isLookedAt() throws {
        let pictures = fixture.appendingPathComponent("pictures-of-8").path
        for arguments in [
            ["evaluate", run, "--image-folder", pictures, "--json"],
            ["sample", run, "--count", "4", "--output", folder.path + "/samples.png"],
            ["convert", "inspect", run, "--json"], ["convert", "verify", run],
            ["convert", "export", run, "--to", "npz", "--output", folder.path + "/x"],
        ] {
            let result = try zoo(arguments)
            #expect(result.status == 0, "\(arguments): \(result.errors)")
        }
    }
}

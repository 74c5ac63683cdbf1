import Checkpoints
import Foundation
import ModelKit
import TensorCore
import Testing
import TextSupport
import ZooModels

@testable import ZooCommands

@Suite struct ShowTests {
    @Test func countsOfTheLecturesModel() throws {
        let model = try zoo("show", "conv-vae-mnist", "--json").object()
        #expect(model["parameters"] as? Int == 1_662_249)
        #expect(model["bytes"] as? Int == 4 * 1_662_249)
        // By hand: weights times positions of the smaller map.
        let forward = 2 * (288 * 196) + 2 * (18_432 * 49) + 2 * 802_816 + 10_240 + 5_120
        #expect(model["multiply_adds"] as? Int == forward)
        // Backward twice as much, but the images need no gradient.
        let training = 3 * forward - 288 * 196
        #expect(model["training_multiply_adds"] as? Int == training)
        let gigaFLOPs = try #require(model["gflop_per_training_step"] as? Double)
        #expect(abs(gigaFLOPs - 2e-9 * 128 * Double(training)) < 1e-9)
        let layers = try #require(model["layers"] as? [[String: Any]])
        #expect(layers.compactMap { $0["path"] as? String }.contains("encoder.fc2_logvar"))
        #expect(layers.reduce(0) { $0 + ($1["parameters"] as? Int ?? 0) } == 1_662_249)
        #expect(layers.first?["output_shape"] as? [Int] == [32, 14, 14])
    }

    @Test func textHasHeaderTableAndTotals() throws {
        let result = try zoo("show", "conv-vae-mnist")
        #expect(result.status == 0)
        #expect(result.output.contains("Adam, learning rate 0.001; batches of 128; 10 epochs"))
        #expect(result.output.contains("bernoulli + KL, in nats per image"))
        #expect(result.lines.contains { $0.hasPrefix("total") && $0.contains("1,662,249") && $0.contains("3,540,224") })
        #expect(result.output.contains("2.70 GFLOP per training step of 128 images"))
        #expect(result.output.contains("6.65 MB"))
    }

    @Test func activationsAndSmallNumbers() throws {
        let lines = try zoo("show", "conv-vae-mnist").lines.map { $0.split(separator: " ").map(String.init) }
        #expect(lines.contains { $0.starts(with: ["encoder.conv1", "conv2d", "relu", "[32,"]) }, "\(lines)")
        #expect(lines.contains { $0.first?.hasPrefix("decoder.") == true && $0.contains("sigmoid") })
        let layers = try #require(try zoo("show", "conv-vae-mnist", "--json").object()["layers"] as? [[String: Any]])
        #expect(layers.first?["activation"] as? String == "relu" && layers.last?["activation"] as? String == "sigmoid")
        // 2·(6 + 3 + 3 + 3 + 6) operations forward; the formula of the training step is checked above.
        let worked = try zoo("show", "worked-vae")
        #expect(worked.output.contains(" FLOP per training step of 1 images"), "\(worked.output)")
        #expect(!worked.output.contains("e-0"))
    }

    @Test(arguments: [
        (0.0, "0 B"), (114, "114 B"), (1_234, "1.2 kB"), (6_648_996, "6.65 MB"), (2.7e9, "2.70 GB"), (3e12, "3.00 TB"),
    ])
    func quantities(value: Double, text: String) {
        #expect(Formatting.quantity(value, "B") == text)
    }

    @Test func overridesCount() throws {
        let model = try zoo("show", "conv-vae-mnist", "--set", "latent.size=2", "--json").object()
        #expect(model["latent_size"] as? Int == 2)
        #expect(model["parameters"] as? Int == 1_662_249 - 18 * (2 * 257 + 256))
        let unknown = try zoo("show", "conv-vae-mnist", "--set", "latent.sise=2")
        #expect(unknown.status == 1)
        #expect(unknown.errors.contains("did you mean size?"))
        #expect(try zoo("show", "conv-vae-mnist", "--set", "latent").status == 2)
    }

    @Test func whatTheObjectiveLearnsIsALine() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(branchingDefinition, "branching.yaml")
        let model = try zoo("show", file, "--json").object()
        let layers = try #require(model["layers"] as? [[String: Any]])
        #expect(layers.contains { ($0["path"] as? String)?.hasPrefix("objective.log_sigma") == true })
        #expect(model["objective"] as? String == "0.5·bernoulli + gaussian_learned_variance + 4·KL")
    }

    @Test func checkpointsAndRunFolders() throws {
        let folder = try TemporaryFolder()
        let source = try #require(ZooModels.sources.first { $0.name == "worked-vae" })
        var checkpoint = Checkpoint(definition: source.text, model: "worked-vae", family: "vae", parameters: [])
        checkpoint.progress = TrainingProgress(epoch: 3, step: 42, seed: 1, optimizerStep: 42)
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/checkpoints", withIntermediateDirectories: true)
        try checkpoint.write(to: "\(folder.path)/checkpoints/step-0000000042.h5")
        for argument in [folder.path, "\(folder.path)/checkpoints/step-0000000042.h5"] {
            let model = try zoo("show", argument, "--json").object()
            #expect(model["epoch"] as? Int == 3 && model["step"] as? Int == 42)
        }
    }

    @Test func unknownModelsAndFiles() throws {
        let model = try zoo("show", "conv-vae-mnits")
        #expect(model.status == 2)
        #expect(model.errors == "error: there is no model called conv-vae-mnits\n  did you mean conv-vae-mnist?\n")
        let file = try zoo("show", "/nowhere/model.yaml")
        #expect(file.status == 1)
        #expect(file.errors == "error: /nowhere/model.yaml: No such file or directory\n")
        let checkpoint = try zoo("show", "/nowhere/model.h5")
        #expect(checkpoint.status == 1)
        #expect(checkpoint.errors.contains("/nowhere/model.h5"))
    }
}

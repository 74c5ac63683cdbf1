import Foundation
import LayerLibrary
import ModelKit
import TensorCore
import Testing
import ZooModels

@Suite struct BuiltInModelTests {
    @Test func everyFileIsListedUnderItsName() throws {
        let folder = packageFolder.appendingPathComponent("zoo/definitions").path
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(ZooModels.sources.map { $0.name + ".yaml" }.sorted() == files)
        #expect(ZooModels.sources.map(\.name) == ZooModels.sources.map(\.name).sorted())
        for source in ZooModels.sources {
            let definition = try read(source.text, source: source.name)
            #expect(definition.name == source.name)
            #expect(definition.text == source.text)
            #expect(!definition.references.isEmpty, "\(source.name) names no source")
        }
    }

    @Test(arguments: ZooModels.sources.map(\.name))
    func buildsAllGraphs(_ name: String) throws {
        let definition = try read(text(of: name))
        let training = try ModelGraph(definition, purpose: .training)
        let evaluation = try ModelGraph(definition, purpose: .evaluation)
        let encoding = try ModelGraph(definition, purpose: .encoding)
        let decoding = try ModelGraph(definition, purpose: .decoding)
        #expect(training.program.parameterGradients.count == training.program.parameters.count)
        #expect(training.program.update == definition.training.update)
        #expect(evaluation.program.groups.allSatisfy { $0.update == nil })
        #expect(training.parameterCount == evaluation.parameterCount)
        // Without what belongs to the objective: discriminators, pseudo-inputs, flows. Both parts may have the prior of a latent.
        func own(_ graphs: ModelGraph...) -> Set<String> {
            Set(graphs.flatMap { graph in graph.program.parameters.map { graph.program[$0].name } })
                .filter { !$0.hasPrefix("objective.") }
        }
        #expect(own(training) == own(encoding, decoding))
        let mean = try #require(encoding.mean)
        #expect(encoding.program[mean].shape == [definition.latentSize])
        let reconstruction = try #require(decoding.reconstruction)
        #expect(decoding.program[reconstruction].shape == definition.input)
        #expect((encoding.logVariance != nil) == definition.isVariational)
        #expect((training.kl != nil) == definition.isVariational)
        #expect(!training.noises.isEmpty == definition.isVariational)
    }

    @Test func lectureModelHasTheLecturesParameterNames() throws {
        let graph = try ModelGraph(read(text(of: "conv-vae-mnist")), purpose: .training)
        let parameters = graph.program.parameters.map { "\(graph.program[$0].name) \(graph.program[$0].shape)" }
        #expect(
            parameters == [
                "encoder.conv1.weight [32, 1, 3, 3]", "encoder.conv1.bias [32]",
                "encoder.conv2.weight [64, 32, 3, 3]", "encoder.conv2.bias [64]",
                "encoder.fc1.weight [256, 3136]", "encoder.fc1.bias [256]",
                "encoder.fc2_mean.weight [20, 256]", "encoder.fc2_mean.bias [20]",
                "encoder.fc2_logvar.weight [20, 256]", "encoder.fc2_logvar.bias [20]",
                "decoder.fc1.weight [256, 20]", "decoder.fc1.bias [256]",
                "decoder.fc2.weight [3136, 256]", "decoder.fc2.bias [3136]",
                "decoder.conv1.weight [64, 32, 3, 3]", "decoder.conv1.bias [32]",
                "decoder.conv2.weight [32, 1, 3, 3]", "decoder.conv2.bias [1]",
            ])
    }

    @Test func cifarModelHasTheIssuesParameterNames() throws {
        let graph = try ModelGraph(read(text(of: "conv-vae-cifar")), purpose: .training)
        let layers = [
            "encoder.conv1", "encoder.conv2", "encoder.conv3", "encoder.fc1", "encoder.mean", "encoder.log_variance",
            "decoder.fc1", "decoder.fc2", "decoder.conv1", "decoder.conv2", "decoder.conv3",
        ]
        #expect(
            graph.program.parameters.map { graph.program[$0].name }
                == layers.flatMap { [$0 + ".weight", $0 + ".bias"] })
    }

    /// Counted by hand: a convolution has O·C·kh·kw + O parameters, a linear layer O·I + O.
    @Test(arguments: [
        ("worked-autoencoder", 2 * 3 + 3 + 3 + 3 * 2),
        ("worked-vae", 2 * 3 + 2 * 3 + 3 + 3 * 2),
        ("autoencoder-mnist", (784 * 400 + 400) + (400 * 20 + 20) + (20 * 400 + 400) + (400 * 784 + 784)),
        ("mlp-vae-mnist", (784 * 400 + 400) + 2 * (400 * 20 + 20) + (20 * 400 + 400) + (400 * 784 + 784)),
        ("mlp-vae-mnist-2d", (784 * 400 + 400) + 2 * (400 * 2 + 2) + (2 * 400 + 400) + (400 * 784 + 784)),
        ("beta-vae-mnist", 652_824),
        ("mlp-vae-cifar", (3072 * 512 + 512) + 2 * (512 * 128 + 128) + (128 * 512 + 512) + (512 * 3072 + 3072)),
        ("conv-vae-mnist", 320 + 18_496 + 803_072 + 2 * 5_140 + 5_376 + 805_952 + 18_464 + 289),
        (
            "conv-vae-cifar",
            1_568 + 32_832 + 131_200 + 524_544 + 2 * 32_896 + 33_024 + 526_336 + 131_136 + 32_800 + 1_539
        ),
        ("conv-autoencoder-cifar", 1_480_771 - 32_896),
        (
            "conv-vae-celeba",
            1_568 + 32_832 + 131_200 + 524_544 + 1_048_832 + 2 * 32_896 + 33_024 + 1_052_672 + 524_416 + 131_136
                + 32_800 + 1_539
        ),
        (
            "beta-vae-dsprites",
            544 + 3 * 16_416 + 131_328 + 65_792 + 2 * 2_570 + 2_816 + 65_792 + 131_584 + 3 * 16_416 + 513
        ),
        ("annealed-vae-dsprites", 502_005), ("beta-vae-sprites", 502_005),
    ])
    func hasTheParametersCountedByHand(_ name: String, _ count: Int) throws {
        let graph = try ModelGraph(read(text(of: name)), purpose: .training)
        #expect(graph.parameterCount == count)
        #expect(graph.rows.reduce(0) { $0 + $1.parameterCount } == count)
    }

    /// The constants are what `multiply_adds_per_image` counts in the PyTorch models that the zoo is measured against:
    /// linear layers O·I, convolutions O·C·kh·kw·H'·W', transposed convolutions the same with the input's H·W.
    @Test(arguments: [
        ("mlp-vae-mnist", 651_200), ("conv-vae-mnist", 3_540_224), ("conv-vae-cifar", 10_321_920),
        ("beta-vae-dsprites", 12_459_520), ("mlp-vae-cifar", 3_342_336),
    ])
    func hasTheMultiplyAddsOfPyTorch(_ name: String, _ count: Int) throws {
        let graph = try ModelGraph(read(text(of: name)), purpose: .training)
        #expect(graph.program.multiplyAddsPerImage == count)
        #expect(graph.rows.reduce(0) { $0 + $1.multiplyAdds } == count)
    }

    /// Forward pass of a definition on x = [0.34, 0.55] with the fast engine.
    private func run(_ name: String, noise: Float?) throws -> (ModelGraph, any CompiledProgram) {
        let graph = try ModelGraph(read(text(of: name)), purpose: .training)
        let program = try CPUEngine(keepsEverything: true).compile(graph.program, batchSize: 1)
        for (id, parameter) in zip(graph.program.parameters, graph.initialParameters(seed: 0)) {
            program.write(parameter.values, to: id)
        }
        program.write([0.34, 0.55], to: try #require(graph.images))
        if let noise { program.write([noise], to: try #require(graph.noises.first)) }
        program.run(StepValues(imageCount: 1, learningRate: 0))
        return (graph, program)
    }

    private func isClose(_ values: [Float], _ expected: [Float], within tolerance: Float = 1e-5) -> Bool {
        values.count == expected.count && zip(values, expected).allSatisfy { abs($0 - $1) <= tolerance }
    }

    @Test func workedAutoencoderGivesTheSheetsNumbers() throws {
        let (graph, program) = try run("worked-autoencoder", noise: nil)
        #expect(isClose(program.read(try #require(graph.mean)), [0.8375]))
        #expect(isClose(program.read(try #require(graph.prediction)), [0.8375, 0.82075]))
        // ½‖x − x̂‖² = ½·(0.4975² + 0.27075²).
        #expect(isClose(program.read(try #require(graph.reconstructionLoss)), [0.160_405_9]))
    }

    @Test func workedVAEGivesTheSheetsNumbers() throws {
        let (graph, program) = try run("worked-vae", noise: 0.1)
        #expect(isClose(program.read(try #require(graph.mean)), [0.8375]))
        #expect(isClose(program.read(try #require(graph.logVariance)), [0.8375]))
        #expect(isClose(program.read(try #require(graph.latent)), [0.98950], within: 2e-5))
        #expect(isClose(program.read(try #require(graph.prediction)), [0.98950, 0.96971], within: 2e-5))
        // ½·(μ² + σ² − 1 − log σ²) = ½·(0.70140625 + 2.310583 − 1 − 0.8375).
        #expect(isClose(program.read(try #require(graph.kl)), [0.587_244_7], within: 1e-4))
    }
}

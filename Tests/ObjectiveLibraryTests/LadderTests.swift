import LayerLibrary
import ModelKit
import ObjectiveLibrary
import Planning
import RealModule
import TensorCore
import Testing

/// Several latents in one model, each the prior of the one below.
@Suite struct LadderTests {
    private static func family() throws -> FamilyCase {
        try #require(FamilyCase.all.first { $0.name == "ladder_vae" })
    }

    private static func plan(_ engine: any Engine = CPUEngine()) throws -> TrainingPlan {
        let plan = try TrainingPlan(family().definition(), batchSize: 4, engine: engine)
        plan.model.initialize(seed: 1)
        return plan
    }

    private static let pixels = (0..<4 * 16).map {
        UInt8(RandomStream(seed: 9, purpose: .other).word(UInt64($0)) % 256)
    }

    private static func step(_ plan: TrainingPlan, _ step: Int) -> BatchLosses {
        pixels.withUnsafeBufferPointer { pixels in
            [Int32](0..<4).withUnsafeBufferPointer {
                plan.step(on: .bytes(pixels), imageIndices: $0, step: step, seed: 1, learningRate: 0.01)
            }
        }
    }

    /// Each latent has noise of its own, and a resumed run is the run that was not interrupted.
    @Test func resumesExactly() throws {
        let first = try Self.plan()
        let noises = first.model.graph.program.noises
        #expect(Set(noises.map(\.number)) == [0, 1])
        #expect(first.model.graph.noises.map { first.model.graph.program[$0].shape } == [[2], [3]])
        for number in 0..<3 { #expect(Self.step(first, number).isFinite) }
        let second = try Self.plan()
        try second.model.load(first.model.parameters + first.model.buffers)
        try second.model.loadOptimizerState(first.model.optimizerState)
        for number in 3..<6 { #expect(Self.step(first, number).loss == Self.step(second, number).loss) }
        #expect(first.model.parameters == second.model.parameters)
    }

    /// Without noise training encodes and decodes what inference does; the codes are those of the upper latent, then of the lower.
    @Test func inferenceIsTrainingWithoutNoise() throws {
        let plan = try Self.plan(CPUEngine(keepsEverything: true))
        let (graph, compiled) = (plan.model.graph, plan.model.compiled)
        let inference = try InferencePlan(plan.definition, weights: plan.model.inferenceWeights)
        #expect(plan.definition.latentSize == 5 && plan.definition.hasPrior)
        let codes = try inference.encodeBytes(Self.pixels)
        Self.pixels.withUnsafeBufferPointer {
            if let images = graph.images { compiled.writeImages(.bytes($0), to: images) }
        }
        for noise in graph.noises {
            compiled.write([Float](repeating: 0, count: 4 * graph.program[noise].shape.count), to: noise)
        }
        _ = plan.run(imageCount: 4, step: 0, seed: 1, learningRate: 0)
        func expectEqual(_ a: [Float], _ b: [Float]) {
            #expect(a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 })
        }
        expectEqual(codes.mean.values, compiled.read(try #require(graph.mean)))
        expectEqual(try #require(codes.logVariance).values, compiled.read(try #require(graph.logVariance)))
        let logits = compiled.read(try #require(graph.prediction))
        expectEqual(try inference.decode(codes.mean).values, logits.map { Float(1 / (1 + exponential(-Double($0)))) })
    }

    /// The evidence lower bound from importance weights, which know the densities, is the one from KL divergences.
    @Test func importanceWeightsKnowAllLatents() throws {
        let plan = try Self.plan()
        let weights = plan.model.inferenceWeights
        let likelihood = try LikelihoodPlan(plan.definition, weights: weights, batchSize: 4, samplesAtOnce: 2000)
        let images = try Tensor(shape: [4, 1, 4, 4], values: Self.pixels.map { Float($0) / 255 })
        let found = try likelihood.weights(of: images, imageIndices: [0, 1, 2, 3], seed: 1, round: 0).logWeights
        let byWeights = found.reduce(0.0) { $0 - Double($1) } / 2000
        let evaluation = try EvaluationPlan(plan.definition, batchSize: 4)
        try evaluation.load(weights)
        var sums = evaluation.noSums
        for seed in 0..<500 {
            try Self.pixels.withUnsafeBufferPointer { pixels in
                try [Int32](0..<4).withUnsafeBufferPointer {
                    try evaluation.add(.bytes(pixels), imageIndices: $0, seed: UInt64(seed), to: &sums)
                }
            }
        }
        #expect(abs(sums.loss / 500 - byWeights) < 0.02 * byWeights)
        let parts = try ["kl_level1", "kl_level2"].map { try #require(sums.metrics[$0]) }
        let whole = try #require(sums.metrics["kl"])
        #expect(abs(whole - parts.reduce(0, +)) < 1e-4 * whole)
        #expect(abs(sums.klPerDimension.reduce(0, +) - whole) < 1e-4 * whole)
    }

    /// A definition made of values is the same one.
    @Test func isWrittenAndReadBack() throws {
        let definition = try Self.family().definition()
        let again = try ModelDefinition(text: definition.yaml(), source: "test", registry: .builtIn)
        #expect(again.latentSizes == [3, 2])
        #expect(try definition.yaml() == again.yaml())
        let layers = [NamedLayer.layer("fc1", Linear(units: 8), activation: .tanh)]
        let made = try ModelDefinition(
            name: "made", family: "vae", summary: "made of values", input: [4], latent: .gaussian(size: 3),
            levels: [LatentLevel(size: 2, level: 2, encoder: [], prior: layers)], encoder: layers,
            decoder: [.layer("out", Linear(units: 4))], objective: Objective(.gaussian, beta: 1))
        #expect(made.latentSizes == [3, 2] && made.latentSize == 5)
    }

    /// Bad input: one message each.
    @Test(arguments: [
        ("size: 2, encoder", "size: 0, encoder", "latent.levels[0].size"),
        ("mean: mean2, ", "", "the field mean is missing"),
        ("size: 2, encoder: [{fc2", "size: 2, encoder: [{fc1", "encoder.fc1"),
        ("mean: mean, log_variance: log_variance", "code: code", "give mean and log_variance"),
        ("kl: {weight: 1}", "vamp_prior: {pseudo_inputs: 3}", "a latent below another"),
        ("kl: {weight: 1}", "kl_decomposition: {total_correlation: 6}", "a latent below another"),
    ]) func refusesWhatCannotBe(_ old: String, _ new: String, _ message: String) throws {
        let text = try Self.family().definition().text
        #expect(text.contains(old))
        let error = #expect(throws: DefinitionError.self) {
            try ModelDefinition(
                text: text.replacing(old, with: new, maxReplacements: 1), source: "test", registry: .builtIn)
        }
        #expect("\(String(describing: error))".contains(message), "\(String(describing: error))")
    }
}

private func exponential(_ x: Double) -> Double { Double.exp(x) }

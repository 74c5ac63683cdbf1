import Datasets
import ModelKit
import Planning
import TensorCore
import Testing
import Training

@Suite struct EvaluationTests {
    /// Each image counts once, whatever the batch size: means of sums, not of batch means.
    @Test(arguments: [1, 7, 20, 64])
    func meansDoNotDependOnTheBatchSize(batchSize: Int) throws {
        let definition = try Fixtures.definition()
        let trainer = try Fixtures.trainer(definition, steps: 10)
        try trainer.run()
        func evaluate(_ batchSize: Int) throws -> EvaluationSums {
            let plan = try EvaluationPlan(definition, batchSize: batchSize, engine: CPUEngine())
            try plan.load(trainer.plan.model.parameters + trainer.plan.model.buffers)
            return try Evaluator(plan, dataset: Patterns()).sums(over: Patterns().indices(of: .test), seed: 3)
        }
        let (a, b) = (try evaluate(batchSize), try evaluate(20))
        #expect(a.imageCount == 20)
        #expect(abs(a.means.reconstruction - b.means.reconstruction) < 1e-4 * b.means.reconstruction)
        #expect(abs(a.means.kl - b.means.kl) < 1e-4 * b.means.kl)
    }

    @Test func theReferenceEngineAgrees() throws {
        let definition = try Fixtures.definition()
        let trainer = try Fixtures.trainer(definition, steps: 10)
        try trainer.run()
        let weights = trainer.plan.model.parameters + trainer.plan.model.buffers
        func evaluate(_ engine: any Engine) throws -> EvaluationSums {
            let plan = try EvaluationPlan(definition, batchSize: 10, engine: engine)
            try plan.load(weights)
            return try Evaluator(plan, dataset: Patterns()).sums(over: Patterns().indices(of: .test), seed: 3)
        }
        let (fast, slow) = (try evaluate(CPUEngine()), try evaluate(ReferenceEngine()))
        #expect(abs(fast.means.reconstruction - slow.means.reconstruction) < 1e-4 * slow.means.reconstruction)
        #expect(abs(fast.means.kl - slow.means.kl) < 1e-4 * slow.means.kl)
        for (a, b) in zip(fast.varianceOfMean, slow.varianceOfMean) { #expect(abs(a - b) < 1e-4 * (b + 1e-3)) }
    }

    @Test func missingAndMisshapenWeightsAreAllNamed() throws {
        let plan = try EvaluationPlan(Fixtures.definition(), batchSize: 4, engine: CPUEngine())
        let error = #expect(throws: ZooError.self) {
            try plan.load([NamedTensor(path: "encoder.conv1.weight", shape: [1], values: [0])])
        }
        #expect(error?.message.contains("encoder.conv1.weight: expected shape [4, 1, 3, 3], found [1]") == true)
        #expect(error?.message.contains("decoder.fc1.bias: missing") == true)
    }
}

/// No result is made of numbers that are not finite, and the tensor is named.
@Suite struct FiniteValueTests {
    private func weights(_ change: (inout [NamedTensor]) -> Void) throws -> [NamedTensor] {
        let trainer = try Fixtures.trainer(Fixtures.definition())
        var weights = trainer.plan.model.parameters + trainer.plan.model.buffers
        change(&weights)
        return weights
    }

    private func set(_ value: Float, _ path: String, _ weights: inout [NamedTensor]) {
        for index in weights.indices where weights[index].path == path {
            weights[index] = NamedTensor(
                path: path, shape: weights[index].shape,
                values: [Float](repeating: value, count: weights[index].values.count))
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func weightsThatAreNotFiniteAreRefused(value: Float) throws {
        let spoiled = try weights {
            set(value, "decoder.fc1.bias", &$0)
            set(value, "encoder.norm1.running_var", &$0)
        }
        let evaluation = try EvaluationPlan(Fixtures.definition(), batchSize: 4, engine: CPUEngine())
        let error = #expect(throws: ZooError.self) { try evaluation.load(spoiled) }
        for path in ["decoder.fc1.bias", "encoder.norm1.running_var"] {
            #expect(error?.message.contains("\(path): holds values that are not finite") == true)
        }
        #expect(throws: ZooError.self) {
            try InferencePlan(Fixtures.definition(), weights: spoiled, engine: CPUEngine())
        }
    }

    /// Weights that are finite, and so large that what they make is not.
    @Test func resultsThatAreNotFiniteAreRefused() throws {
        let large = try weights { set(1e38, "decoder.conv1.weight", &$0) }
        let definition = try Fixtures.definition(
            "decoder=[{fc1: {linear: 64, activation: relu}}, {reshape: [4, 4, 4]}, "
                + "{conv1: {conv_transpose2d: {filters: 1, kernel: 4, stride: 2, padding: 1}}}]",
            "objective.reconstruction=gaussian")
        for engine in [CPUEngine(), ReferenceEngine()] as [any Engine] {
            let plan = try InferencePlan(definition, weights: large, batchSize: 2, engine: engine)
            #expect(try plan.encode(Patterns().images([1])).mean.count == 1)
            let error = #expect(throws: ZooError.self) { try plan.decode([[1, 2, 3], [3, 2, 1], [50, -50, 50]]) }
            #expect(error?.message.contains("the first tensor that is not finite is ") == true)
            #expect(
                error?.message.contains("reconstruction (conv_transpose2d)") == true, "\(String(describing: error))")
            let evaluation = try EvaluationPlan(definition, batchSize: 10, engine: engine)
            try evaluation.load(large)
            #expect(throws: ZooError.self) {
                try Evaluator(evaluation, dataset: Patterns()).sums(over: Patterns().indices(of: .test), seed: 3)
            }
        }
    }
}

@Suite struct InferenceTests {
    @Test func decodingTheCodeIsTheReconstruction() throws {
        let definition = try Fixtures.definition()
        let trainer = try Fixtures.trainer(definition, steps: 10)
        try trainer.run()
        let weights = trainer.plan.model.parameters + trainer.plan.model.buffers
        let pixels = try Patterns().images([96, 97, 98])
        let fast = try InferencePlan(definition, weights: weights, batchSize: 2, engine: CPUEngine())
        let slow = try InferencePlan(definition, weights: weights, batchSize: 3, engine: ReferenceEngine())
        let (a, b) = (try fast.encode(pixels), try slow.encode(pixels))
        #expect(a.mean.count == 3 && a.logVariance.count == 3)
        for (fastRow, slowRow) in zip(a.mean + a.logVariance, b.mean + b.logVariance) {
            for (x, y) in zip(fastRow, slowRow) { #expect(abs(x - y) < 1e-4) }
        }
        let (images, reference) = (try fast.decode(a.mean), try slow.decode(b.mean))
        #expect(images.count == 3 && images[0].count == 64)
        for (x, y) in zip(images.joined(), reference.joined()) {
            #expect(abs(x - y) < 1e-4)
            #expect(x >= 0 && x <= 1)
        }
    }

    @Test func numbersOfAnotherSizeAreRefused() throws {
        let definition = try Fixtures.definition()
        let trainer = try Fixtures.trainer(definition)
        let plan = try InferencePlan(
            definition, weights: trainer.plan.model.parameters + trainer.plan.model.buffers, engine: CPUEngine())
        func message(_ body: () throws -> Void) -> String {
            do {
                try body()
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            message { _ = try plan.decode([[0, 0, 0], [0, 0]]) }
                == "latent vector 1 has 2 numbers, but small-vae has 3 latent dimensions")
        #expect(
            message { _ = try plan.encode([[0.5]]) } == "image 0 has 1 numbers, but small-vae takes [1, 8, 8]")
        #expect(
            message { _ = try plan.encode([UInt8](repeating: 0, count: 65)) }.hasPrefix("65 bytes are no whole number"))
        #expect(try plan.decode([]).isEmpty && plan.decode([[0, 0, 0]]).count == 1)
    }
}

import Foundation
import LayerLibrary
import ModelKit
import Planning
import TensorCore
import Testing

@testable import ObjectiveLibrary

/// The gated PixelCNN over codes against PyTorch's masked convolutions (`tools/reference/code_prior.py`), and what a prior must do.
@Suite struct CodePriorTests {
    private struct Golden: Decodable {
        var codebook: [Float]
        var indices: [Float]
        var weights: [String: [Float]]
        var logits: [Double]
        var gradients: [String: [Double]]
        var losses: [Double]
    }

    private static let golden = Result {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/code_prior.json")
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    }

    private static let prior = AutoregressivePrior(filters: 4, blocks: 3, learningRate: 0.01)

    /// 5 images of 3 × 4 codes, 6 codes of 3 numbers.
    private static func program(_ isTraining: Bool) throws -> (program: Program, codes: TensorID, codebook: TensorID) {
        var builder = GraphBuilder(isTraining: isTraining)
        let codes = builder.input("codes", shape: [12])
        let codebook = try builder.buffer("codebook", shape: [6, 3], value: 0)
        let vectors = try builder.custom(CodebookVectors(shape: [3, 3, 4]), [codes, codebook])
        let logits = try #require(try prior.codeLogits(vectors, codes: 6, into: &builder))
        builder.keep(logits, as: "logits")
        let loss = try builder.custom(CodeCrossEntropy(), [logits, codes])
        let adam = UpdateRule(method: .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0))
        try builder.group(prior.kind, update: adam, learningRate: .constant(0.01)) {
            try $0.term("code_cross_entropy", loss, weight: .constant(1))
        }
        if isTraining { try builder.differentiate() }
        return (builder.program, codes, codebook)
    }

    @Test(arguments: FamilyTests.engines) func agreesWithPyTorch(_ judged: FamilyTests.Judged) throws {
        let golden = try Self.golden.get()
        let (program, codes, codebook) = try Self.program(true)
        let compiled = try judged.engine.compile(program, batchSize: 5)
        compiled.write(golden.codebook, to: codebook)
        compiled.write(golden.indices, to: codes)
        func name(_ id: TensorID) -> String {
            String(program[id].name.dropFirst("autoregressive_prior.".count))
        }
        #expect(Set(program.parameters.map(name)) == Set(golden.weights.keys))
        for id in program.parameters { compiled.write(try #require(golden.weights[name(id)]), to: id) }
        let loss = try #require(program.terms.first).value
        for step in 0..<10 {
            compiled.run(StepValues(imageCount: 5, step: UInt32(step), updateCount: step))
            let mean = compiled.read(loss).map(Double.init).reduce(0, +) / 5
            let error = abs(mean - golden.losses[step]) / golden.losses[step]
            #expect(error < judged.tolerance, "step \(step): \(mean), not \(golden.losses[step])")
            guard step == 0 else { continue }
            let logits = compiled.read(try #require(program.tensor(named: "logits"))).map(Double.init)
            #expect(zip(logits, golden.logits).allSatisfy { abs($0 - $1) < judged.tolerance })
            for (id, gradient) in zip(program.parameters, program.parameterGradients)
            where compiled.isReadable(gradient) {
                let expected = try #require(golden.gradients[name(id)])
                let found = compiled.read(gradient).map(Double.init)
                let worst = zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
                #expect(found.count == expected.count && worst < judged.tolerance, "\(name(id)): off by \(worst)")
            }
        }
    }

    /// The logits at a position depend on the codes before it, and on no others.
    @Test func seesOnlyWhatComesBefore() throws {
        let golden = try Self.golden.get()
        let (program, codes, codebook) = try Self.program(false)
        let compiled = try ReferenceEngine().compile(program, batchSize: 1)
        compiled.write(golden.codebook, to: codebook)
        for id in program.parameters {
            let name = String(program[id].name.dropFirst("autoregressive_prior.".count))
            compiled.write(try #require(golden.weights[name]), to: id)
        }
        let logits = try #require(program.tensor(named: "logits"))
        func read(_ values: [Float]) -> [Float] {
            compiled.write(values, to: codes)
            compiled.run(StepValues(imageCount: 1))
            return compiled.read(logits)
        }
        let start = Array(golden.indices[..<12])
        let before = read(start)
        var seen = 0
        for changed in 0..<12 {
            var moved = start
            moved[changed] = (moved[changed] + 1).truncatingRemainder(dividingBy: 6)
            let after = read(moved)
            for position in 0..<12 {
                let isSame = (0..<6).allSatisfy { after[$0 * 12 + position] == before[$0 * 12 + position] }
                if position <= changed { #expect(isSame, "\(position) sees \(changed)") }
                if !isSame { seen += 1 }
            }
        }
        // Of the 66 pairs in order, nearly all: three blocks of 3 × 3 reach that far.
        #expect(seen > 50, "\(seen) pairs")
    }

    private static let definition = """
        format: zoo.model/1
        name: tiny-codes
        family: vq-vae
        summary: codes
        input: [1, 4, 4]
        latent: {size: 2, code: code, codebook: {codes: 3}}
        encoder:
          - conv1: {conv2d: {filters: 4, kernel: 2, stride: 2}, activation: tanh}
        decoder:
          - conv1: {conv_transpose2d: {filters: 1, kernel: 2, stride: 2}, activation: sigmoid}
        objective: {reconstruction: bernoulli, commitment: {weight: 0.25}, autoregressive_prior: {filters: 4, blocks: 2}}
        training: {optimizer: {adam: {learning_rate: 0.01}}, batch_size: 4, epochs: 1}
        """

    /// Draws follow the probabilities that the network gives, and are a function of the seed and their number.
    @Test func drawsFollowTheLogits() throws {
        let definition = try ModelDefinition(text: Self.definition, source: "test", registry: .builtIn)
        let plan = try TrainingPlan(definition, batchSize: 4, engine: ReferenceEngine())
        plan.model.initialize(seed: 1)
        // Nothing but the last bias: the same three probabilities at every position.
        let probabilities: [Double] = [0.5, 0.2, 0.3]
        let weights = plan.model.inferenceWeights.map { tensor -> NamedTensor in
            guard tensor.path.hasPrefix("objective.autoregressive_prior.logits") else { return tensor }
            var changed = tensor
            changed.values =
                tensor.path.hasSuffix("bias")
                ? probabilities.map { Float(Foundation.log($0)) } : tensor.values.map { _ in 0 }
            return changed
        }
        #expect(weights.contains { $0.path == "objective.autoregressive_prior.logits.bias" })
        let inference = try InferencePlan(definition, weights: weights, batchSize: 100)
        let draws = try inference.drawCodes(count: 1000, seed: 3)
        for position in 0..<4 {
            for (code, probability) in probabilities.enumerated() {
                let share = Double(draws.count { $0[position] == Float(code) }) / 1000
                // Four deviations of a binomial share.
                #expect(abs(share - probability) < 4 * (probability * (1 - probability) / 1000).squareRoot())
            }
        }
        #expect(try inference.drawCodes(count: 7, seed: 3) == Array(draws[..<7]))
        #expect(try inference.drawCodes(count: 7, seed: 4) != Array(draws[..<7]))
        #expect(try inference.drawCodes(count: 3, seed: 3, temperature: 0).allSatisfy { $0.allSatisfy { $0 == 0 } })
        let images = try inference.decode(draws)
        #expect(images.count == 1000)
    }

    /// What the prior learns leaves the model as it is.
    @Test(
        arguments: [ReferenceEngine() as any Engine, CPUEngine()].map { FamilyTests.Judged(engine: $0, tolerance: 0) })
    func theModelDoesNotLearnFromThePrior(_ judged: FamilyTests.Judged) throws {
        func train(_ text: String) throws -> (weights: [NamedTensor], losses: [Double]) {
            let definition = try ModelDefinition(text: text, source: "test", registry: .builtIn)
            let plan = try TrainingPlan(definition, batchSize: 4, engine: judged.engine)
            plan.model.initialize(seed: 1)
            var losses: [Double] = []
            for step in 0..<5 {
                let pixels = (0..<64).map { UInt8(($0 * 37 + step * 11) % 256) }
                let found = pixels.withUnsafeBufferPointer { pixels in
                    [Int32](0..<4).withUnsafeBufferPointer {
                        plan.step(on: .bytes(pixels), imageIndices: $0, step: step, seed: 1, learningRate: 0.01)
                    }
                }
                #expect(found.isFinite)
                losses.append((found.metrics["code_cross_entropy"] ?? 0) / 4)
            }
            return (plan.model.parameters + plan.model.buffers, losses)
        }
        let with = try train(Self.definition)
        let without = try train(
            Self.definition.replacing(", autoregressive_prior: {filters: 4, blocks: 2}", with: ""))
        #expect(with.weights.filter { !$0.path.hasPrefix("objective.") } == without.weights)
        #expect(with.losses.allSatisfy { $0 > 0 && $0 < 4 * 3 })
    }
}

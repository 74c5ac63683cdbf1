import ModelKit
import Planning
import TensorCore
import Testing

/// Each family against PyTorch, from the same weights, images and noise: terms and gradients of the first step, and ten losses.
@Suite struct FamilyTests {
    struct Judged: Sendable, CustomTestStringConvertible {
        var engine: any Engine
        /// Relative.
        var tolerance: Double
        var testDescription: String { engine.name }
    }

    static let engines = [
        Judged(engine: ReferenceEngine(), tolerance: 1e-6),
        Judged(engine: CPUEngine(keepsEverything: true), tolerance: 1e-4),
        Judged(engine: CPUEngine(), tolerance: 1e-4),
    ]

    /// The name in the golden file of one of our parameters.
    private func goldenName(_ path: String) -> String {
        if path == "objective.pseudo_inputs" { return "prior.pseudo_inputs" }
        if path.hasPrefix("prior1.") { return path.replacing("prior1.", with: "prior.") }
        if path.hasPrefix("objective.classifier") { return String(path.dropFirst("objective.".count)) }
        if path.hasPrefix("objective.planar_flow") { return path.replacing("objective.planar_flow", with: "flow") }
        guard path.hasPrefix("objective.adversarial") else { return path }
        return "discriminator."
            + path.split(separator: ".").dropFirst(2).joined(separator: ".")
            .replacing("logits", with: "out")
    }

    @Test(arguments: FamilyCase.all, engines) func agreesWithPyTorch(_ family: FamilyCase, _ judged: Judged) throws {
        let golden = try FamilyGolden.shared.get()
        let expected = try #require(golden.families[family.name])
        let plan = try TrainingPlan(family.definition(), batchSize: 6, engine: judged.engine)
        plan.datasetSize = golden.datasetSize
        let (program, compiled) = (plan.model.graph.program, plan.model.compiled)
        for id in program.parameters + program.buffers {
            let name = goldenName(program[id].name)
            compiled.write(try #require(expected.weights[name] ?? golden.weights[name], "\(name)"), to: id)
        }
        let count = 6.0
        var weights = 0
        for step in 0..<10 {
            let losses = golden.images.withUnsafeBufferPointer { pixels in
                [Int32](0..<6).withUnsafeBufferPointer { indices in
                    (expected.labels ?? []).withUnsafeBufferPointer {
                        plan.step(
                            on: .bytes(pixels), imageIndices: indices, classes: $0, step: step, seed: golden.seed,
                            learningRate: 0.01)
                    }
                }
            }
            func expectClose(_ found: Double, _ expected: Double, _ what: String) {
                let error = abs(found - expected) / max(1, abs(expected))
                #expect(error < judged.tolerance, "step \(step), \(what): \(found), not \(expected)")
            }
            #expect(losses.isFinite)
            expectClose(losses.loss / count, expected.losses[step], "loss")
            for (name, values) in expected.otherLosses {
                expectClose(try #require(losses.metrics[family.terms[name] ?? name]) / count, values[step], name)
            }
            guard step == 0 else { continue }
            for (name, value) in expected.terms where !family.unreported.contains(name) {
                let ours = family.terms[name] ?? name
                expectClose(try #require(losses.metrics[ours], "\(ours)") / count, value, name)
            }
            for (parameter, gradient) in zip(program.parameters, program.parameterGradients)
            where compiled.isReadable(gradient) {
                let name = goldenName(program[parameter].name)
                let reference = try #require(expected.gradients[name], "\(name)")
                let found = compiled.read(gradient).map(Double.init)
                // Beside the largest of all gradients: some are sums that nearly cancel.
                let scale = expected.gradients.values.joined().reduce(0) { max($0, abs($1)) }
                let worst = zip(found, reference).reduce(0) { max($0, abs($1.0 - $1.1)) } / scale
                #expect(
                    found.count == reference.count && worst < judged.tolerance, "gradient of \(name): off by \(worst)")
                weights += 1
            }
        }
        #expect(weights > 0)
        for (name, values) in expected.buffersAfterTenSteps ?? [:] {
            let id = try #require(program.buffers.first { program[$0].name == name }, "\(name)")
            let found = compiled.read(id).map(Double.init)
            let worst = zip(found, values).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(
                found.count == values.count && worst < judged.tolerance, "\(name) after ten steps: off by \(worst)")
        }
    }

    /// The random numbers that the golden file was made with are ours.
    @Test func randomNumbersAgree() throws {
        let random = try FamilyGolden.shared.get().random
        func expect(_ noise: [Double], input: UInt64, step: UInt32) {
            let stream = RandomStream(seed: 11, purpose: .latentNoise, step: step)
            for (index, value) in noise.enumerated() {
                let first = input << 48 + RandomStream.firstElement(image: Int32(index / 3), count: 3)
                #expect(abs(Double(stream.normal(first + UInt64(index % 3))) - value) < 1e-6)
            }
        }
        expect(random.noise0, input: 0, step: 0)
        expect(random.noise1, input: 1, step: 0)
        expect(random.noise1Step9, input: 1, step: 9)
        let permutation = RandomStream(seed: 11, purpose: .permutation)
        for d in 0..<3 {
            var order = Array(0..<6)
            for last in stride(from: 5, to: 0, by: -1) {
                order.swapAt(last, permutation.integer(UInt64(d) << 32 + UInt64(last), below: last + 1))
            }
            #expect(order == random.permutations[d])
        }
    }
}

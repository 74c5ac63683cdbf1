import Foundation
import LayerLibrary
import TensorCore
import Testing

/// What `Golden/layers.json` says: numbers that PyTorch computed in double precision (`tools/reference/layers.py`).
struct LayerGolden: Decodable, Sendable {
    struct Case: Decodable, Sendable {
        var prediction: [Double]
        /// The reconstruction loss of each image, in nats.
        var losses: [Double]
        /// KL divergence of each image and its means per dimension, in nats; absent without a latent variable.
        var kl: [Double]?
        var klPerDimension: [Double]?
        var inputGradient: [Double]
        /// By the parameter's path.
        var gradients: [String: [Double]]
        /// After the run, by the buffer's path.
        var buffers: [String: [Double]]
    }

    /// After three updates, by the parameter's path.
    struct Update: Decodable, Sendable {
        var parameters: [String: [Double]]
        /// Empty for a rule that keeps no average.
        var averages: [String: [Double]]
    }

    var cases: [String: Case]
    var updates: [String: Update]

    static let shared = Result {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/layers.json")
        return try JSONDecoder().decode(LayerGolden.self, from: Data(contentsOf: url))
    }
}

/// Both engines against PyTorch.
@Suite struct GoldenTests {
    struct Judged: Sendable, CustomTestStringConvertible {
        var engine: any Engine
        var tolerance: Double
        var testDescription: String { engine.name }
    }

    static let engines = [
        Judged(engine: ReferenceEngine(), tolerance: 1e-6),
        Judged(engine: CPUEngine(keepsEverything: true), tolerance: 1e-4),
    ]

    @Test func tablesHaveTheSameCases() throws {
        let golden = try LayerGolden.shared.get()
        #expect(Set(golden.cases.keys) == Set(LayerCases.all.map(\.name)))
        #expect(Set(golden.updates.keys) == Set(UpdateCase.all.map(\.name)))
    }

    @Test(arguments: LayerCases.all, engines) func agreesWithPyTorch(_ layerCase: LayerCase, _ judged: Judged) throws {
        let golden = try #require(try LayerGolden.shared.get().cases[layerCase.name])
        // The fast engine has no gradients in evaluation mode, where nothing learns.
        let built = try CaseProgram(
            layerCase, differentiated: layerCase.isTraining || judged.engine.name == "reference")
        let compiled = try built.prepared(judged.engine)
        #expect(compiled.run(built.stepValues()))

        func expect(_ id: TensorID, _ expected: [Double]?, _ what: String) throws {
            let found = (compiled as? ReferenceProgram)?.readDouble(id) ?? compiled.read(id).map(Double.init)
            expectEqual(
                found, try #require(expected, "PyTorch knows no \(what)"), within: judged.tolerance, what)
        }
        let program = built.program
        try expect(built.prediction, golden.prediction, "prediction")
        try expect(built.loss, golden.losses, "loss")
        #expect((built.kl == nil) == (golden.kl == nil))
        if let kl = built.kl { try expect(kl, golden.kl, "KL divergence") }
        if let id = built.klPerDimension { try expect(id, golden.klPerDimension, "KL divergence per dimension") }
        #expect(Set(program.buffers.map { program[$0].name }) == Set(golden.buffers.keys))
        for id in program.buffers { try expect(id, golden.buffers[program[id].name], program[id].name) }
        guard !program.parameterGradients.isEmpty else { return }
        #expect(Set(program.parameters.map { program[$0].name }) == Set(golden.gradients.keys))
        for (parameter, gradient) in zip(program.parameters, program.parameterGradients) {
            try expect(gradient, golden.gradients[program[parameter].name], "gradient of \(program[parameter].name)")
        }
        try expect(try #require(built.inputGradient), golden.inputGradient, "gradient of the input")
    }

    @Test(arguments: UpdateCase.all, engines) func learnsLikePyTorch(_ update: UpdateCase, _ judged: Judged) throws {
        let golden = try #require(try LayerGolden.shared.get().updates[update.name])
        let built = try CaseProgram(UpdateCase.network, update: update.rule)
        let compiled = try built.prepared(judged.engine)
        for step in 0..<UpdateCase.stepCount { #expect(compiled.run(built.stepValues(step: step))) }
        #expect(golden.averages.isEmpty == (update.rule.averageDecay == nil))
        for id in built.program.parameters {
            let name = built.program[id].name
            // PyTorch adds 1e-6 to the norm that it clips by, and the numbers that are read are single precision.
            let tolerance = max(judged.tolerance, 1e-5)
            expectEqual(
                compiled.read(id).map(Double.init), try #require(golden.parameters[name]), within: tolerance, name)
            guard let average = compiled.readState(.average, of: id) else { continue }
            expectEqual(
                average.map(Double.init), try #require(golden.averages[name]), within: tolerance, "average of \(name)")
        }
    }
}

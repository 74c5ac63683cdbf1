import Foundation
import ModelKit
import TensorCore
import Testing

/// What `Golden/models.json` says about one model: losses and first gradients that PyTorch computed in double precision
/// (`tools/reference/models.py`).
struct WholeModelGolden: Decodable, Sendable {
    struct Gradient: Decodable, Sendable {
        var count: Int
        /// L2.
        var norm: Double
        var sum: Double
        /// Dot products with `HashFormula`'s `direction0`, `direction1` …
        var products: [Double]
        /// 64 elements at an odd stride near `count / 64`, or all of a smaller tensor.
        var elements: [Double]
    }

    /// How far PyTorch's single precision is from its double precision.
    var float32LossError: Double
    var float32GradientError: Double
    /// Nats per image before each step.
    var reconstruction: [Double]
    var kl: [Double]
    /// Of the first step, by the parameter's path.
    var gradients: [String: Gradient]

    static let sampleCount = 64
    static let directionCount = 4

    /// The golden values of a model.
    static func load(_ model: String) throws -> WholeModelGolden {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/models.json")
        let all = try JSONDecoder().decode([String: WholeModelGolden].self, from: Data(contentsOf: url))
        return try #require(all[model], "\(url.path) knows no \(model)")
    }
}

/// Two models of the zoo, read from their definitions and trained for ten steps, against PyTorch.
@Suite struct WholeModelTests {
    static let imageCount = 16
    static let models = ["conv-vae-mnist", "conv-vae-cifar"]

    @Test(arguments: models, [false, true]) func fastEngineTrainsLikePyTorch(
        _ model: String, _ keepsEverything: Bool
    ) throws {
        let engine = CPUEngine(keepsEverything: keepsEverything)
        try check(model, engine, batchSize: Self.imageCount, steps: 10, tolerance: 1e-4)
    }

    /// A batch of 16 in a program for 24, the other rows full of nonsense.
    @Test(arguments: models) func fastEngineTrainsShortBatchesLikePyTorch(_ model: String) throws {
        try check(model, CPUEngine(), batchSize: 24, steps: 10, tolerance: 1e-4)
    }

    /// In bfloat16 ten steps go the same way: losses within half a percent.
    @Test(.enabled(if: CPUEngine.supports(.bf16)), arguments: models)
    func fastEngineTrainsInBF16(_ model: String) throws {
        let golden = try WholeModelGolden.load(model)
        let graph = try trainingGraph(of: model)
        let compiled = try CPUEngine(precision: .bf16).compile(graph.program, batchSize: Self.imageCount)
        try fill(compiled, graph, batchSize: Self.imageCount)
        let reconstruction = try #require(graph.reconstructionLoss)
        for step in 0..<10 {
            var values = StepValues(imageCount: Self.imageCount, step: UInt32(step), updateCount: step)
            values.learningRate = 1e-3
            #expect(compiled.run(values))
            let (found, expected) = (mean(compiled.read(reconstruction)), golden.reconstruction[step])
            #expect(abs(found - expected) / expected < 0.005, "step \(step): \(found), not \(expected)")
        }
    }

    @Test func referenceTrainsLikePyTorch() throws {
        try check("conv-vae-mnist", ReferenceEngine(), batchSize: Self.imageCount, steps: 2, tolerance: 1e-6)
    }

    private func check(
        _ model: String, _ engine: any Engine, batchSize: Int, steps: Int, tolerance: Double
    ) throws {
        let golden = try WholeModelGolden.load(model)
        let graph = try trainingGraph(of: model)
        let compiled = try engine.compile(graph.program, batchSize: batchSize)
        try fill(compiled, graph, batchSize: batchSize)
        let reconstruction = try #require(graph.reconstructionLoss)
        let kl = try #require(graph.kl)
        #expect(golden.reconstruction.count == 10)
        #expect(golden.kl.count == 10)

        var worst = (loss: 0.0, gradient: 0.0)
        for step in 0..<steps {
            var values = StepValues(imageCount: Self.imageCount, step: UInt32(step), updateCount: step)
            values.learningRate = 1e-3
            #expect(compiled.run(values), "step \(step): the loss is not finite")
            for (id, expected) in [(reconstruction, golden.reconstruction[step]), (kl, golden.kl[step])] {
                let found = mean(compiled.read(id).prefix(Self.imageCount))
                let error = abs(found - expected) / expected
                worst.loss = max(worst.loss, error)
                #expect(error < tolerance, "\(compiled.program[id].name), step \(step): \(found), not \(expected)")
            }
            if step == 0 { worst.gradient = checkGradients(compiled, golden, tolerance) }
        }
        print(
            "\(model), \(engine.name), batches of \(batchSize): losses within \(worst.loss), gradients within",
            "\(worst.gradient); PyTorch's float32: \(golden.float32LossError), \(golden.float32GradientError)")
    }

    /// Compares every gradient with what the golden file says about it and returns the largest error.
    private func checkGradients(
        _ compiled: any CompiledProgram, _ golden: WholeModelGolden, _ tolerance: Double
    ) -> Double {
        let program = compiled.program
        #expect(Set(program.parameters.map { program[$0].name }) == Set(golden.gradients.keys))
        var worst = 0.0
        for (parameter, id) in zip(program.parameters, program.parameterGradients) where compiled.isReadable(id) {
            let name = program[parameter].name
            let gradient = compiled.read(id).map(Double.init)
            guard let expected = golden.gradients[name], gradient.count == expected.count, expected.norm > 0 else {
                Issue.record("\(name): \(gradient.count) elements, not \(golden.gradients[name]?.count ?? 0)")
                continue
            }
            func check(_ found: Double, _ golden: Double, scale: Double, _ what: String) {
                let error = abs(found - golden) / scale
                worst = max(worst, error)
                #expect(error < tolerance, "\(name), \(what): \(found), not \(golden)")
            }
            // An error of relative size e in the norm moves a dot product with a by at most e·|a|·norm.
            let count = gradient.count
            check(norm(gradient), expected.norm, scale: expected.norm, "norm")
            check(
                gradient.reduce(0, +), expected.sum, scale: expected.norm * Double(count).squareRoot(), "sum")
            #expect(expected.products.count == WholeModelGolden.directionCount)
            for (number, product) in expected.products.enumerated() {
                let direction = HashFormula.values("direction\(number)", count: count)
                let found = zip(direction, gradient).reduce(0) { $0 + $1.0 * $1.1 }
                check(found, product, scale: expected.norm * norm(direction), "product \(number)")
            }
            let samples = min(count, WholeModelGolden.sampleCount)
            #expect(expected.elements.count == samples)
            let stride = (max(1, count / WholeModelGolden.sampleCount) - 1) | 1
            let difference = zip(0..<samples, expected.elements).map { gradient[$0 * stride] - $1 }
            let scale = max(
                norm(expected.elements), 0.1 * expected.norm * (Double(samples) / Double(count)).squareRoot())
            check(norm(difference), 0, scale: scale, "samples")
        }
        return worst
    }

    private func fill(_ compiled: any CompiledProgram, _ graph: ModelGraph, batchSize: Int) throws {
        for id in graph.program.parameters {
            let info = graph.program[id]
            let weight = try #require(graph.program.tensor(named: info.name.replacing(".bias", with: ".weight")))
            let fanIn = graph.program[weight].shape.dimensions.dropFirst().reduce(1, *)
            let values = HashFormula.values(
                info.name, count: info.shape.count, scale: 1 / Double(fanIn).squareRoot(),
                offset: info.name.hasSuffix(".bias") ? 0.5 : 0)
            write(values, to: id, of: compiled)
        }
        let images = try #require(graph.images)
        let noise = try #require(graph.noises.first)
        let pixels = Self.imageCount * graph.program[images].shape.count
        let draws = Self.imageCount * graph.program[noise].shape.count
        let rest = batchSize - Self.imageCount
        write(
            HashFormula.values("images", count: pixels, scale: 0.5, offset: 0.5)
                + [Double](repeating: 1000, count: rest * graph.program[images].shape.count),
            to: images, of: compiled)
        write(
            HashFormula.values("noise", count: draws)
                + [Double](repeating: 1000, count: rest * graph.program[noise].shape.count),
            to: noise, of: compiled)
    }

    private func write(_ values: [Double], to id: TensorID, of compiled: any CompiledProgram) {
        if let reference = compiled as? ReferenceProgram {
            reference.writeDouble(values, to: id)
        } else {
            compiled.write(values.map { Float($0) }, to: id)
        }
    }
}

/// The training program of a definition in `zoo/definitions`.
func trainingGraph(of model: String) throws -> ModelGraph {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let url = folder.appendingPathComponent("zoo/definitions/\(model).yaml")
    let text = try String(contentsOf: url, encoding: .utf8)
    return try ModelGraph(
        ModelDefinition(text: text, source: url.path, registry: .builtIn), purpose: .training)
}

private func mean(_ values: some Collection<Float>) -> Double {
    values.reduce(0) { $0 + Double($1) } / Double(values.count)
}

/// L2.
private func norm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
}

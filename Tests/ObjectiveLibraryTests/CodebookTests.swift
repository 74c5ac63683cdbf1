import LayerLibrary
import ModelKit
import Planning
import RealModule
import TensorCore
import Testing

@testable import ObjectiveLibrary

/// Codebooks and the operations of gated convolutions.
@Suite struct CodebookTests {
    private static func numbers(_ count: Int, seed: UInt64) -> [Double] {
        let stream = RandomStream(seed: seed, purpose: .other)
        return (0..<count).map { Double(Float(stream.normal(UInt64($0)))) }
    }

    /// A program from an input of `shape` through `body` to the number Σ y².
    private func program(
        _ shape: Shape, parameter: Shape?, _ body: (TensorID, TensorID?, inout GraphBuilder) throws -> TensorID
    ) throws -> (program: Program, input: TensorID, parameter: TensorID?) {
        var builder = GraphBuilder(isTraining: true)
        let input = builder.input("x", shape: shape)
        let given = try parameter.map { try builder.parameter("p", shape: $0, initializer: .constant(0)) }
        let y = try body(input, given, &builder)
        builder.keep(y, as: "y")
        let loss = try builder.custom(SquaredNorm(factor: 1), [y])
        try builder.term("loss", loss, weight: .constant(1))
        try builder.differentiate()
        return (builder.program, input, given)
    }

    /// A convolution, cropped and gated: against differences of the loss in the reference engine, and alike in the fast one.
    @Test(arguments: [(Shape([2, 3, 4]), 3, 4), (Shape([2, 3, 4]), 2, 2), (Shape([1, 1, 1]), 1, 1)])
    func cropsAndGates(_ shape: Shape, _ height: Int, _ width: Int) throws {
        let filters = 6
        let (program, input, parameter) = try program(shape, parameter: [filters, shape.channels, 2, 2]) {
            let window = Window(kernel: Window.Extent(2), padding: Window.Extent(1))
            let maps = try $2.convolution($0, weight: try #require($1), bias: nil, window: window)
            return try $2.gate(try $2.crop(maps, height: height, width: width))
        }
        let weights = try #require(parameter)
        let count = program[weights].shape.count
        let start = Self.numbers(count, seed: 1)
        let images = Self.numbers(3 * shape.count, seed: 2)
        func run(_ compiled: any CompiledProgram, _ values: [Double]) throws -> (loss: Double, gradient: [Float]) {
            compiled.write(images.map { Float($0) }, to: input)
            if let reference = compiled as? ReferenceProgram {
                reference.writeDouble(values, to: weights)
            } else {
                compiled.write(values.map { Float($0) }, to: weights)
            }
            compiled.run(StepValues(imageCount: 3))
            let loss = try #require(program.terms.first).value
            let rows =
                (compiled as? ReferenceProgram)?.readDouble(loss) ?? compiled.read(loss).map(Double.init)
            return (rows.reduce(0, +) / 3, compiled.read(program.parameterGradients[0]))
        }
        let reference = try ReferenceProgram(program, batchSize: 3)
        let expected = try run(reference, start)
        for element in [0, count / 2, count - 1] {
            func loss(_ distance: Double) throws -> Double {
                var moved = start
                moved[element] += distance
                return try run(reference, moved).loss
            }
            let difference = (try loss(1e-5) - (try loss(-1e-5))) / 2e-5
            #expect(abs(difference - Double(expected.gradient[element])) < 1e-5 * max(1, abs(difference)))
        }
        for engine in [CPUEngine(), CPUEngine(keepsEverything: true)] {
            let found = try run(engine.compile(program, batchSize: 4), start)
            #expect(abs(found.loss - expected.loss) < 1e-5 * max(1, abs(expected.loss)))
            for (a, b) in zip(found.gradient, expected.gradient) { #expect(abs(a - b) < 1e-4 * max(1, abs(b))) }
        }
    }

    /// Of maps and of vectors, with more codes than lanes and fewer: what is nearest, by a loop over all.
    @Test(arguments: [(Shape([3, 4, 5]), 37), (Shape([64, 7, 7]), 5), (Shape([7]), 16), (Shape([1, 2, 2]), 2)])
    func choosesTheNearest(_ shape: Shape, _ codes: Int) throws {
        let size = shape.channels
        let (program, input, parameter) = try program(shape, parameter: [codes, size]) {
            let nearest = try $2.vectorQuantization($0, codebook: try #require($1))
            $2.keep(nearest.indices, as: "indices")
            // The codebook has to have some influence.
            let distance = try $2.custom(CodebookDistance(), [$0, nearest.indices, try #require($1)])
            try $2.term("distance", distance, weight: .constant(1))
            return nearest.vectors
        }
        let indices = try #require(program.tensor(named: "indices"))
        let vectors = try #require(program.tensor(named: "y"))
        let (images, batch) = (2, 3)
        let x = Self.numbers(images * shape.count, seed: 3).map { Float($0) }
        let codebook = Self.numbers(codes * size, seed: 4).map { Float($0) }
        for engine in [ReferenceEngine() as any Engine, CPUEngine(), CPUEngine(keepsEverything: true)] {
            let compiled = try engine.compile(program, batchSize: batch)
            compiled.write(x, to: input)
            compiled.write(codebook, to: try #require(parameter))
            compiled.run(StepValues(imageCount: images))
            let (found, chosen) = (compiled.read(indices), compiled.read(vectors))
            for n in 0..<images {
                for position in 0..<shape.area {
                    func distance(_ code: Int) -> Float {
                        (0..<size).reduce(0) { sum, d in
                            let difference = x[(n * size + d) * shape.area + position] - codebook[code * size + d]
                            return sum + difference * difference
                        }
                    }
                    let code = Int(found[n * shape.area + position])
                    let least = (0..<codes).map(distance).min() ?? 0
                    #expect(distance(code) <= least * (1 + 1e-5))
                    for d in 0..<size {
                        #expect(chosen[(n * size + d) * shape.area + position] == codebook[code * size + d])
                    }
                }
            }
            #expect(found[(images * shape.area)...].allSatisfy { $0 == 0 }, "\(engine.name): beyond the images")
        }
    }

    private static let definition = """
        format: zoo.model/1
        name: tiny-codes
        family: vq-vae
        summary: codes
        input: [1, 4, 4]
        latent: {size: 2, code: code, codebook: {codes: 6, revival: 0.5}}
        encoder:
          - conv1: {conv2d: {filters: 4, kernel: 2, stride: 2}, activation: tanh}
        decoder:
          - conv1: {conv_transpose2d: {filters: 1, kernel: 2, stride: 2}, activation: sigmoid}
        objective: {reconstruction: bernoulli, commitment: {weight: 0.25}}
        training: {optimizer: {adam: {learning_rate: 0.01}}, batch_size: 4, epochs: 1}
        """

    private static func plan(_ definition: ModelDefinition, _ engine: any Engine) throws -> TrainingPlan {
        let plan = try TrainingPlan(definition, batchSize: 4, engine: engine)
        plan.model.initialize(seed: 1)
        return plan
    }

    private static func step(_ plan: TrainingPlan, _ step: Int) -> BatchLosses {
        let stream = RandomStream(seed: 9, purpose: .other, step: UInt32(step))
        let pixels = (0..<4 * 16).map { UInt8(stream.word(UInt64($0)) % 256) }
        return pixels.withUnsafeBufferPointer { pixels in
            [Int32](0..<4).withUnsafeBufferPointer {
                plan.step(on: .bytes(pixels), imageIndices: $0, step: step, seed: 1, learningRate: 0.01)
            }
        }
    }

    /// Vectors that nothing is near to begin anew as vectors of the batch, the same ones whenever the run is made.
    @Test(
        arguments: [ReferenceEngine() as any Engine, CPUEngine()].map { FamilyTests.Judged(engine: $0, tolerance: 0) })
    func unusedVectorsBeginAnew(_ judged: FamilyTests.Judged) throws {
        let definition = try ModelDefinition(text: Self.definition, source: "test", registry: .builtIn)
        #expect(definition.latentSize == 4)
        func vectors(_ plan: TrainingPlan) -> [NamedTensor] { plan.model.buffers }
        let plan = try Self.plan(definition, judged.engine)
        #expect(plan.model.buffers.map(\.path) == ["codebook.embeddings", "codebook.cluster_size", "codebook.sum"])
        #expect(plan.model.buffers[0].values.allSatisfy { $0 == 0 })
        _ = Self.step(plan, 0)
        // At first all were zero, and all positions chose the first.
        #expect(Set(plan.model.buffers[0].values).count > 6)
        #expect(plan.model.buffers[1].values.dropFirst().allSatisfy { $0 == 1 })
        let losses = (1..<5).map { Self.step(plan, $0) }
        let perplexity = try #require(losses.last?.metrics["perplexity"]) / 4
        #expect(perplexity > 1.5)
        #expect(losses.allSatisfy { $0.isFinite })

        // Exact resume: from what a checkpoint keeps after three steps, the same.
        let first = try Self.plan(definition, judged.engine)
        for number in 0..<3 { _ = Self.step(first, number) }
        let second = try Self.plan(definition, judged.engine)
        try second.model.load(first.model.parameters + first.model.buffers)
        try second.model.loadOptimizerState(first.model.optimizerState)
        for number in 3..<5 {
            let (a, b) = (Self.step(first, number).loss, Self.step(second, number).loss)
            // The reference engine computes in double precision, which a checkpoint does not keep.
            #expect(a == b || judged.engine is ReferenceEngine)
        }
        if !(judged.engine is ReferenceEngine) { #expect(first.model.buffers == second.model.buffers) }
        #expect(first.model.buffers == plan.model.buffers)
    }

    /// Where a term teaches the codebook it is a parameter, and its gradient the term's derivative.
    @Test func aCodebookCanLearnByGradient() throws {
        let text = Self.definition.replacing("commitment: {weight: 0.25}", with: "codebook_loss: {weight: 2}")
        let definition = try ModelDefinition(text: text, source: "test", registry: .builtIn)
        let plan = try Self.plan(definition, ReferenceEngine())
        let program = plan.model.graph.program
        #expect(program.buffers.isEmpty)
        let id = try #require(program.parameters.first { program[$0].name == "codebook.embeddings" })
        let start = plan.model.parameters
        // Far apart, so that small moves change no choice.
        let vectors: [Float] = [1, 1, -1, -1, 0.5, -0.5, -0.5, 0.5, 2, 0, 0, 2]
        func loss(_ moved: [Float]) throws -> Double {
            plan.model.write(plan.model.fit(start))
            plan.model.compiled.write(moved, to: id)
            return try #require(Self.step(plan, 0).metrics["codebook_loss"]) / 4
        }
        _ = try loss(vectors)
        let position = try #require(program.parameters.firstIndex(of: id))
        let gradient = plan.model.compiled.read(program.parameterGradients[position])
        #expect(gradient.contains { $0 != 0 })
        for element in vectors.indices {
            var (up, down) = (vectors, vectors)
            up[element] += 1 / 1024
            down[element] -= 1 / 1024
            let difference = 2 * (try loss(up) - (try loss(down))) * 512
            #expect(abs(difference - Double(gradient[element])) < 1e-3, "element \(element)")
        }
    }

    /// Bad input: one message each.
    @Test(arguments: [
        ("codebook: {codes: 6, revival: 0.5}", "codebook: {codes: 1}", "latent.codebook.codes"),
        ("codebook: {codes: 6, revival: 0.5}", "codebook: {}", "codes"),
        (", codebook: {codes: 6, revival: 0.5}", "", "needs a codebook"),
        ("size: 2, code: code", "size: 2, mean: a, log_variance: b", "give code in place of mean"),
        ("commitment: {weight: 0.25}", "kl: {weight: 1}", "no posterior"),
        ("size: 2, code: code, codebook: {codes: 6", "size: 100000, code: code, codebook: {codes: 1000000", "elements"),
        ("size: 2, code: code, codebook: {codes: 6", "size: 1000, code: code, codebook: {codes: 200000", "supported"),
    ]) func refusesWhatCannotBe(_ old: String, _ new: String, _ message: String) throws {
        let text = Self.definition.replacing(old, with: new)
        #expect(text != Self.definition)
        let error = #expect(throws: DefinitionError.self) {
            try ModelDefinition(text: text, source: "test", registry: .builtIn)
        }
        #expect(error?.problems.count == 1, "\(String(describing: error))")
        #expect("\(String(describing: error))".contains(message), "\(String(describing: error))")
    }

    /// Codes go in and out as whole numbers, and a definition made of values is the same one.
    @Test func encodesAndDecodesCodes() throws {
        let definition = try ModelDefinition(text: Self.definition, source: "test", registry: .builtIn)
        let plan = try Self.plan(definition, CPUEngine())
        for number in 0..<3 { _ = Self.step(plan, number) }
        let inference = try InferencePlan(definition, weights: plan.model.inferenceWeights)
        let pixels = (0..<32).map { UInt8($0 * 8) }
        let codes = try inference.encodeBytes(pixels)
        #expect(codes.logVariance == nil && codes.mean.elementShape == [4])
        #expect(codes.mean.values.allSatisfy { $0 == $0.rounded() && (0..<6).contains($0) })
        let images = try inference.decode(codes.mean)
        #expect(images.values.allSatisfy { (0...1).contains($0) })
        // What is decoded is what training decodes: the same loss by hand.
        let evaluation = try EvaluationPlan(definition, batchSize: 2, engine: CPUEngine())
        try evaluation.load(plan.model.inferenceWeights)
        var sums = evaluation.noSums
        try pixels.withUnsafeBufferPointer { pixels in
            try [Int32](0..<2).withUnsafeBufferPointer {
                try evaluation.add(.bytes(pixels), imageIndices: $0, seed: 0, to: &sums)
            }
        }
        let byHand = zip(pixels, images.values).reduce(0.0) { sum, pair in
            let (x, p) = (Double(pair.0) / 255, Double(pair.1))
            return sum - x * .log(p) - (1 - x) * .log(1 - p)
        }
        let reconstruction = try #require(sums.metrics["reconstruction"])
        #expect(abs(reconstruction - byHand) < 1e-3 * byHand)
        for wrong: Float in [-1, 6, 0.5, .nan] {
            #expect(throws: ZooError.self) { try inference.decode([[0, 1, 2, wrong]]) }
        }
        let again = try ModelDefinition(text: definition.yaml(), source: "test", registry: .builtIn)
        #expect(again.codebook == definition.codebook)
        #expect(again.latentSize == 4)
        let (first, second) = (try definition.yaml(), try again.yaml())
        #expect(first == second)
    }
}

import TensorCore
import Testing

/// What every engine promises apart from arithmetic: how values go in and out, and what is refused.
@Suite struct EngineTests {
    struct Named: Sendable, CustomTestStringConvertible {
        var engine: any Engine
        var testDescription: String { engine.name }
    }

    static let engines = [Named(engine: ReferenceEngine()), Named(engine: CPUEngine(keepsEverything: true))]

    /// An input, its images under another shape as the result.
    private func copying(_ shape: Shape) throws -> (program: Program, input: TensorID) {
        var builder = GraphBuilder(isTraining: false)
        let input = builder.input("x", shape: shape)
        builder.keep(try builder.reshape(input, to: [shape.count]), as: "y")
        return (builder.program, input)
    }

    @Test(arguments: engines) func pixelsArriveInPlanes(_ named: Named) throws {
        let (program, input) = try copying([3, 2, 2])
        let compiled = try named.engine.compile(program, batchSize: 2)
        var pixels = [UInt8](repeating: 0, count: 24)
        var planes = [Float](repeating: 0, count: 24)
        for n in 0..<2 {
            for place in 0..<4 {
                for channel in 0..<3 {
                    let value = 100 * n + 10 * place + channel
                    pixels[12 * n + 3 * place + channel] = UInt8(value)
                    planes[12 * n + 4 * channel + place] = Float(value) / 255
                }
            }
        }
        pixels.withUnsafeBufferPointer { compiled.writeImages(.bytes($0), to: input) }
        #expect(compiled.read(input) == planes)
        #expect(compiled.run(StepValues(imageCount: 2)))
        #expect(compiled.read(try #require(program.tensor(named: "y"))) == planes)
    }

    /// Sizes that fill blocks of random numbers, and that do not.
    @Test(arguments: engines, [1, 4, 20, 67]) func noiseIsThatOfTheStream(_ named: Named, _ size: Int) throws {
        let (program, input) = try copying([size])
        let compiled = try named.engine.compile(program, batchSize: 3)
        let stream = RandomStream(seed: 0x1234_5678_9abc_def0, purpose: .latentNoise, step: 9)
        let images: [Int32] = [59_999, 0, 7]
        images.withUnsafeBufferPointer { compiled.writeNoise(stream, imageIndices: $0, to: input) }
        let noise = compiled.read(input)
        for (row, image) in images.enumerated() {
            let first = UInt64(image) * UInt64((size + 3) / 4 * 4)
            for element in 0..<size {
                let expected = stream.normal(first + UInt64(element))
                #expect(abs(noise[row * size + element] - expected) < 2e-6)
            }
        }
    }

    /// Where all elements of a window are equal, the first takes the gradient.
    @Test(arguments: engines) func theFirstOfEqualMaximaTakesTheGradient(_ named: Named) throws {
        var builder = GraphBuilder(isTraining: true)
        let input = builder.input("x", shape: [1, 1, 1])
        let weight = try builder.parameter("weight", shape: [1, 4, 1, 1], initializer: .constant(1))
        let wide = try builder.transposedConvolution(
            input, weight: weight, bias: nil, window: Window(kernel: Window.Extent(1)))
        let square = try builder.reshape(wide, to: [1, 2, 2])
        let pooled = try builder.maxPool(square, window: Window(kernel: Window.Extent(2)))
        let target = builder.input("target", shape: [1, 1, 1])
        let loss = try builder.reconstructionLoss(
            prediction: pooled, target: target, logSigma: nil,
            loss: ReconstructionLoss(terms: [.init(.gaussian)], link: .identity))
        try builder.term("loss", loss, weight: .constant(1))
        try builder.differentiate()
        let compiled = try named.engine.compile(builder.program, batchSize: 1)
        compiled.write([1], to: input)
        compiled.write([1, 1, 1, 1], to: weight)
        compiled.write([-1], to: target)
        #expect(compiled.run(StepValues(imageCount: 1)))
        #expect(compiled.read(builder.program.parameterGradients[0]) == [2, 0, 0, 0])
    }

    /// The running average starts from the parameters, not from zero.
    @Test(arguments: engines) func theAverageStartsFromTheParameters(_ named: Named) throws {
        var builder = GraphBuilder(isTraining: true)
        let input = builder.input("x", shape: [1])
        let weight = try builder.parameter("weight", shape: [1, 1], initializer: .constant(1))
        let y = try builder.linear(input, weight: weight, bias: nil)
        let target = builder.input("target", shape: [1])
        let loss = try builder.reconstructionLoss(
            prediction: y, target: target, logSigma: nil,
            loss: ReconstructionLoss(terms: [.init(.gaussian)], link: .identity))
        try builder.term("loss", loss, weight: .constant(1))
        try builder.differentiate()
        builder.program.update = UpdateRule(
            method: .sgd(momentum: 0, nesterov: false, weightDecay: 0), averageDecay: 0.5)
        let compiled = try named.engine.compile(builder.program, batchSize: 1)
        compiled.write([1], to: input)
        compiled.write([0], to: target)
        compiled.write([2], to: weight)
        #expect(compiled.readState(.average, of: weight) == [2])
        #expect(compiled.run(StepValues(imageCount: 1, learningRate: 0.25)))
        #expect(compiled.read(weight) == [1.5])
        #expect(compiled.readState(.average, of: weight) == [1.75])
        #expect(compiled.readState(.momentum, of: weight) == nil)
    }

    @Test func theReferenceRefusesAnEmptyBatch() throws {
        let (program, _) = try copying([2])
        let error = #expect(throws: ZooError.self) { try ReferenceEngine().compile(program, batchSize: 0) }
        #expect(try #require(error).message.contains("not 0"))
    }

    @Test func theReferenceGivesBackWhatItNeedNotKeep() throws {
        var builder = GraphBuilder(isTraining: false)
        let input = builder.input("x", shape: [2])
        let middle = builder.activation(.relu, input)
        let result = builder.activation(.tanh, middle)
        builder.keep(result, as: "result")
        let lean = try ReferenceProgram(builder.program, batchSize: 3, keepsEverything: false)
        let full = try ReferenceProgram(builder.program, batchSize: 3)
        for program in [lean, full] {
            program.write([-1, 0, 1, 2, 3, 4], to: input)
            #expect(program.run(StepValues(imageCount: 3)))
        }
        #expect(lean.readDouble(result) == full.readDouble(result))
        #expect(full.readDouble(middle) == [0, 0, 1, 2, 3, 4])
        #expect(lean.memoryByteCount == full.memoryByteCount - 6 * MemoryLayout<Double>.stride)
    }
}

import TensorCore
import TestSupport

/// A linear layer or convolution of random shape between two losses of memory: its input is a parameter, so that the gradient
/// with respect to every image of it is compared, and its loss pulls everything to zero.
///
/// With that loss the gradient is continuous where a ReLU begins, so that rounding never moves it by more than itself.
struct MatrixCase: SweepCase {
    private enum Operation: String {
        case linear, convolution, transposed
    }

    /// Multiply-adds of one pass of a batch, which the reference engine does in some hundredths of a second.
    private static let mostMultiplyAdds = 12_000_000
    private static let mostElements = 1_500_000

    private let operation: Operation
    private let input: Shape
    private let outputs: Int
    private let window: Window
    private let hasBias: Bool
    /// ReLU of the input, and of the output.
    private let relu: (before: Bool, after: Bool)
    private let batchSize: Int
    /// Fewer where a batch is not full.
    private let imageCount: Int

    init(linear choices: inout RandomChoices) {
        self.init(.linear, &choices) { choices in
            (Shape([choices.features()]), choices.features(), Window(kernel: .init(1)))
        }
    }

    init(convolution choices: inout RandomChoices, isTransposed: Bool) {
        self.init(isTransposed ? .transposed : .convolution, &choices) { choices in
            let isSquare = choices.chance(0.7)
            func pair(_ choose: (inout RandomChoices) -> Int) -> Window.Extent {
                let first = choose(&choices)
                return Window.Extent(first, isSquare ? first : choose(&choices))
            }
            let kernel = pair { $0.integer(1...7) }
            let stride = pair { $0.one(of: [1, 1, 2, 2, 3]) }
            let kind = choices.integer(0...2)
            func padding(_ kernel: Int) -> Int {
                kind == 0 ? 0 : kind == 1 ? kernel / 2 : choices.integer(0...max(0, kernel - 1))
            }
            var window = Window(
                kernel: kernel, stride: stride, padding: .init(padding(kernel.height), padding(kernel.width)))
            if isTransposed {
                window.outputPadding = .init(
                    choices.integer(0...stride.height - 1), choices.integer(0...stride.width - 1))
            }
            let limit = isTransposed ? 35 : 70
            let height = choices.side(atMost: limit)
            let width = choices.chance(0.7) ? height : choices.side(atMost: limit)
            return (Shape([choices.channels(), height, width]), choices.channels(), window)
        }
    }

    /// Chooses shapes until one is valid and small enough, and then the largest batch that is wanted and bearable.
    private init(
        _ operation: Operation, _ choices: inout RandomChoices,
        _ choose: (inout RandomChoices) -> (input: Shape, outputs: Int, window: Window)
    ) {
        while true {
            let (input, outputs, window) = choose(&choices)
            let extent: (height: Int, width: Int)? =
                switch operation {
                case .linear: (1, 1)
                case .convolution: window.outputExtent(height: input.height, width: input.width)
                case .transposed: window.transposedOutputExtent(height: input.height, width: input.width)
                }
            guard let extent else { continue }
            let taps = input.channels * outputs * window.kernel.height * window.kernel.width
            let multiplyAdds = taps * (operation == .transposed ? input.area : extent.height * extent.width)
            let elements = input.count + outputs * extent.height * extent.width
            guard multiplyAdds <= Self.mostMultiplyAdds else { continue }
            (self.operation, self.input, self.outputs, self.window) = (operation, input, outputs, window)
            batchSize = min(
                choices.batch(), max(1, Self.mostMultiplyAdds / multiplyAdds), max(1, Self.mostElements / elements))
            break
        }
        imageCount = choices.chance(0.8) ? batchSize : choices.integer(1...batchSize)
        hasBias = choices.chance(0.7)
        relu = (choices.chance(0.4), choices.chance(0.5))
    }

    var description: String {
        var words = ["\(operation.rawValue) \(input) → \(outputs)"]
        if operation != .linear {
            func text(_ extent: Window.Extent) -> String { "\(extent.height)×\(extent.width)" }
            words += [
                "kernel \(text(window.kernel))", "stride \(text(window.stride))", "padding \(text(window.padding))",
            ]
            if window.outputPadding != .init(0) { words.append("output padding \(text(window.outputPadding))") }
        }
        words.append(imageCount < batchSize ? "\(imageCount) images in a batch of \(batchSize)" : "batch \(batchSize)")
        if hasBias { words.append("bias") }
        if relu.before { words.append("ReLU before") }
        if relu.after { words.append("ReLU after") }
        return words.joined(separator: ", ")
    }

    func outcome(of engine: any Engine, data: UInt64) throws -> [SweepTensor] {
        var builder = GraphBuilder(isTraining: true)
        let images = try builder.parameter("x", shape: [batchSize * input.count], initializer: .constant(0))
        var y = try builder.custom(GivenImages(shape: input), [images])
        if relu.before { y = builder.activation(.relu, y) }
        y = try lower(y, &builder)
        if relu.after { y = builder.activation(.relu, y) }
        builder.keep(y, as: "y")
        let target = builder.input("target", shape: builder.shape(y))
        let loss = try builder.reconstructionLoss(
            prediction: y, target: target, logSigma: nil,
            loss: ReconstructionLoss(terms: [.init(.gaussian)], link: .identity))
        try builder.term("loss", loss, weight: .constant(1))
        try builder.differentiate()

        let program = builder.program
        let compiled = try engine.compile(program, batchSize: batchSize)
        var numbers = SplitMix64(state: data &+ 1)
        let fanIn =
            program.parameters.count > 1 ? program[program.parameters[1]].shape.dimensions.dropFirst().reduce(1, *) : 1
        for id in program.parameters {
            let scale = id == images ? 1 : 1 / Float(fanIn).squareRoot()
            compiled.write(
                (0..<program[id].shape.count).map { _ in Float.random(in: -scale...scale, using: &numbers) }, to: id)
        }
        compiled.write([Float](repeating: 0, count: batchSize * program[target].shape.count), to: target)
        compiled.run(StepValues(imageCount: imageCount))

        func tensor(_ id: TensorID, _ group: SweepTensor.Group) -> SweepTensor {
            let info = program[id]
            let values = compiled.read(id)
            return SweepTensor(
                name: info.name, group: group,
                values: info.isBatched ? Array(values.prefix(imageCount * info.shape.count)) : values)
        }
        return [tensor(loss, .loss), tensor(y, .parameter)]
            + program.parameterGradients.map { tensor($0, .gradient) }
    }

    private func lower(_ x: TensorID, _ builder: inout GraphBuilder) throws -> TensorID {
        let (height, width) = (window.kernel.height, window.kernel.width)
        let shape: Shape =
            switch operation {
            case .linear: [outputs, input.count]
            case .convolution: [outputs, input.channels, height, width]
            case .transposed: [input.channels, outputs, height, width]
            }
        let weight = try builder.parameter("weight", shape: shape, initializer: .constant(0))
        let bias = hasBias ? try builder.parameter("bias", shape: [outputs], initializer: .constant(0)) : nil
        switch operation {
        case .linear: return try builder.linear(x, weight: weight, bias: bias)
        case .convolution: return try builder.convolution(x, weight: weight, bias: bias, window: window)
        case .transposed: return try builder.transposedConvolution(x, weight: weight, bias: bias, window: window)
        }
    }
}

/// The images that a parameter holds, `[p] → [N × shape]`.
private struct GivenImages: CustomOperation {
    let shape: Shape

    var name: String { "given_images" }

    func output(_ inputs: [TensorType]) throws -> TensorType { TensorType(shape) }

    func forward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        for i in 0..<tensors.imageCount * shape.count { tensors.output[i] = tensors.inputs[0][i] }
    }

    func backward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        for i in 0..<tensors.imageCount * shape.count { tensors.inputGradients[0]?[i] += tensors.outputGradient[i] }
    }
}

/// The slow engine: every operation spelled out in plain Swift with `Double` in N C H W order. It is what the fast engine
/// is measured against, what `zoo trace` shows, and what finite differences are taken of.
public struct ReferenceEngine: Engine {
    public var name: String { "reference" }

    public init() {}

    public func compile(_ program: Program, batchSize: Int) throws -> any CompiledProgram {
        ReferenceProgram(program, batchSize: batchSize)
    }
}

/// A program run by the reference engine. All tensors stay readable after a run.
public final class ReferenceProgram: CompiledProgram {
    public let program: Program
    public let batchSize: Int
    public private(set) var gradientNorm: Float?
    /// Per tensor: `batchSize × shape` elements if batched, else `shape` elements.
    var values: [[Double]]
    var imageIndices: [Int32]
    private var state: [UpdateRule.Slot: [[Double]]] = [:]

    public init(_ program: Program, batchSize: Int) {
        precondition(batchSize > 0, "a batch has at least one image, not \(batchSize)")
        self.program = program
        self.batchSize = batchSize
        values = program.tensors.map { info in
            [Double](repeating: 0, count: info.shape.count * (info.isBatched ? batchSize : 1))
        }
        imageIndices = (0..<batchSize).map { Int32($0) }
        for slot in program.update?.slots ?? [] {
            state[slot] = program.parameters.map { [Double](repeating: 0, count: program[$0].shape.count) }
        }
    }

    public var memoryByteCount: Int { values.reduce(0) { $0 + $1.count } * MemoryLayout<Double>.stride }

    // MARK: Values

    public func write(_ values: [Float], to id: TensorID) {
        writeDouble(values.map(Double.init), to: id)
    }

    /// As `write`, without rounding.
    public func writeDouble(_ values: [Double], to id: TensorID) {
        let info = program[id]
        precondition(
            values.count <= self.values[id.index].count && values.count % max(1, info.shape.count) == 0,
            "\(info.name): \(values.count) values for a tensor of \(self.values[id.index].count)")
        self.values[id.index].replaceSubrange(0..<values.count, with: values)
        if let parameter = program.parameters.firstIndex(of: id), state[.average] != nil {
            state[.average]?[parameter] = values
        }
    }

    public func read(_ id: TensorID) -> [Float] { values[id.index].map { Float($0) } }

    /// As `read`, without rounding.
    public func readDouble(_ id: TensorID) -> [Double] { values[id.index] }

    public func writeImages(_ pixels: UnsafeBufferPointer<UInt8>, to id: TensorID) {
        let shape = program[id].shape
        for (index, pixel) in pixels.enumerated() {
            let (image, place) = index.quotientAndRemainder(dividingBy: shape.count)
            let (position, channel) = place.quotientAndRemainder(dividingBy: shape.rank == 3 ? shape.channels : 1)
            let feature = shape.rank == 3 ? channel * shape.area + position : position
            values[id.index][image * shape.count + feature] = Double(pixel) / 255
        }
    }

    public func writeNoise(_ stream: RandomStream, imageIndices: UnsafeBufferPointer<Int32>, to id: TensorID) {
        let size = program[id].shape.count
        for (row, image) in imageIndices.enumerated() {
            let first = RandomStream.firstElement(image: image, count: size)
            for element in 0..<size {
                values[id.index][row * size + element] = Double(stream.normal(first + UInt64(element)))
            }
        }
    }

    public func setImageIndices(_ indices: UnsafeBufferPointer<Int32>) {
        for (row, index) in indices.enumerated() { imageIndices[row] = index }
    }

    public func readState(_ slot: UpdateRule.Slot, of parameter: TensorID) -> [Float]? {
        guard let index = program.parameters.firstIndex(of: parameter) else { return nil }
        return state[slot]?[index].map { Float($0) }
    }

    public func writeState(_ slot: UpdateRule.Slot, of parameter: TensorID, _ values: [Float]) {
        guard let index = program.parameters.firstIndex(of: parameter), state[slot] != nil else {
            preconditionFailure("\(program[parameter].name) has no optimiser state \(slot.rawValue)")
        }
        state[slot]?[index] = values.map(Double.init)
    }

    // MARK: Running

    @discardableResult
    public func run(_ values: StepValues) -> Bool {
        precondition(
            values.imageCount > 0 && values.imageCount <= batchSize,
            "\(values.imageCount) images in a program for batches of 1 to \(batchSize)")
        for step in program.steps { run(step, values) }
        for step in program.steps where step.pass == .forward {
            for output in step.outputs where program[output].isBatched && program[output].shape.rank == 0 {
                if !self.values[output.index].prefix(values.imageCount).allSatisfy(\.isFinite) { return false }
            }
        }
        if let rule = program.update { update(rule, values) }
        return true
    }

    private func run(_ step: ProgramStep, _ stepValues: StepValues) {
        let images = stepValues.imageCount
        switch step.operation {
        case .linear: linear(step, images)
        case .convolution(let window): convolution(step, window, isTransposed: false, images)
        case .transposedConvolution(let window): convolution(step, window, isTransposed: true, images)
        case .activation(let activation): activate(step, activation)
        case .batchNorm(let epsilon, let momentum, let training):
            batchNorm(step, Double(epsilon), Double(momentum), training, images)
        case .groupNorm(let groups, let epsilon): groupNorm(step, groups, Double(epsilon), images)
        case .dropout(let rate, let layer): dropout(step, rate, layer, stepValues)
        case .reshape: values[step.outputs[0].index] = values[step.inputs[0].index]
        case .upsampleNearest(let factor): upsample(step, factor, images)
        case .maxPool(let window): maxPool(step, window, images)
        case .averagePool(let window): averagePool(step, window, images)
        case .add:
            values[step.outputs[0].index] = zip(values[step.inputs[0].index], values[step.inputs[1].index]).map(+)
        case .gaussianLatent(let regularizer): gaussianLatent(step, regularizer, stepValues)
        case .reconstruction(let loss): reconstruction(step, loss, images)
        case .custom(let operation): custom(step, operation, images)
        }
    }

    private func custom(_ step: ProgramStep, _ operation: any CustomOperation, _ images: Int) {
        let inputs = step.inputs.map { values[$0.index] }
        var outputs = step.outputs.map { [Double](repeating: 0, count: values[$0.index].count) }
        withBuffers(inputs) { inputs in
            withMutableBuffers(&outputs) { outputs in
                if step.pass == .forward {
                    operation.forward(inputs: inputs, output: outputs[0], imageCount: images)
                } else {
                    operation.backward(
                        inputs: Array(inputs.dropFirst()), outputGradient: inputs[0], inputGradients: outputs,
                        imageCount: images)
                }
            }
        }
        for (output, result) in zip(step.outputs, outputs) { values[output.index] = result }
    }

    private func update(_ rule: UpdateRule, _ stepValues: StepValues) {
        var scale = 1.0
        if let limit = rule.clipNorm {
            let squares = program.parameterGradients.reduce(0) { sum, id in
                values[id.index].reduce(sum) { $0 + $1 * $1 }
            }
            let norm = squares.squareRoot()
            gradientNorm = Float(norm)
            if norm > Double(limit) { scale = Double(limit) / norm }
        }
        let rate = Double(stepValues.learningRate)
        let count = stepValues.updateCount + 1
        for (index, (parameter, gradient)) in zip(program.parameters, program.parameterGradients).enumerated() {
            for element in values[parameter.index].indices {
                let g = values[gradient.index][element] * scale
                let p = values[parameter.index][element]
                values[parameter.index][element] = updated(p, g, rule.method, rate, count, index, element)
                guard let decay = rule.averageDecay else { continue }
                let average = state[.average]?[index][element] ?? 0
                state[.average]?[index][element] =
                    Double(decay) * average + (1 - Double(decay)) * values[parameter.index][element]
            }
        }
    }

    private func updated(
        _ p: Double, _ gradient: Double, _ method: UpdateRule.Method, _ rate: Double, _ count: Int, _ index: Int,
        _ element: Int
    ) -> Double {
        switch method {
        case .sgd(let momentum, let nesterov, let weightDecay):
            let g = gradient + Double(weightDecay) * p
            guard momentum != 0 else { return p - rate * g }
            let velocity = Double(momentum) * (state[.momentum]?[index][element] ?? 0) + g
            state[.momentum]?[index][element] = velocity
            return p - rate * (nesterov ? g + Double(momentum) * velocity : velocity)
        case .adam(let beta1, let beta2, let epsilon, let weightDecay),
            .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            var (p, g) = (p, gradient)
            if case .adamW = method { p *= 1 - rate * Double(weightDecay) } else { g += Double(weightDecay) * p }
            let first = Double(beta1) * (state[.firstMoment]?[index][element] ?? 0) + (1 - Double(beta1)) * g
            let second = Double(beta2) * (state[.secondMoment]?[index][element] ?? 0) + (1 - Double(beta2)) * g * g
            state[.firstMoment]?[index][element] = first
            state[.secondMoment]?[index][element] = second
            let corrected1 = first / (1 - power(Double(beta1), count))
            let corrected2 = second / (1 - power(Double(beta2), count))
            return p - rate * corrected1 / (corrected2.squareRoot() + Double(epsilon))
        }
    }
}

private func withBuffers(_ arrays: [[Double]], _ body: ([UnsafeBufferPointer<Double>]) -> Void) {
    func descend(_ index: Int, _ buffers: [UnsafeBufferPointer<Double>]) {
        guard index < arrays.count else { return body(buffers) }
        arrays[index].withUnsafeBufferPointer { descend(index + 1, buffers + [$0]) }
    }
    descend(0, [])
}

private func withMutableBuffers(
    _ arrays: inout [[Double]], _ body: ([UnsafeMutableBufferPointer<Double>]) -> Void
) {
    func descend(_ index: Int, _ buffers: [UnsafeMutableBufferPointer<Double>]) {
        guard index < arrays.count else { return body(buffers) }
        var array: [Double] = []
        swap(&array, &arrays[index])
        array.withUnsafeMutableBufferPointer { descend(index + 1, buffers + [$0]) }
        swap(&array, &arrays[index])
    }
    descend(0, [])
}

/// A program compiled by `ReferenceEngine`: one array of `Double` per tensor.
///
/// A batched tensor is always an array of `batchSize` images; images beyond `StepValues.imageCount` are skipped, and what
/// the steps compute for them is zero.
public final class ReferenceProgram: CompiledProgram {
    public let program: Program
    public let batchSize: Int
    public private(set) var gradientNorm: Float?
    private let keepsEverything: Bool
    private let roundsToSingle: Bool
    private var tensors: [[Double]]
    private var imageIndices: [Int32]
    private var state: [TensorID: ReferenceOptimizerState] = [:]

    /// - Throws: `ZooError` where `batchSize` is not positive.
    public init(_ program: Program, batchSize: Int, keepsEverything: Bool = true, roundsToSingle: Bool = false) throws {
        guard batchSize > 0 else {
            throw ZooError("a batch has at least one image, not \(batchSize)")
        }
        self.program = program
        self.batchSize = batchSize
        self.keepsEverything = keepsEverything
        self.roundsToSingle = roundsToSingle
        tensors = program.tensors.map { info in
            [Double](repeating: 0, count: info.shape.count * (info.isBatched ? batchSize : 1))
        }
        imageIndices = (0..<batchSize).map { Int32(truncatingIfNeeded: $0) }
        if let rule = program.update {
            for id in program.parameters {
                state[id] = ReferenceOptimizerState(rule, count: program[id].shape.count)
            }
        }
    }

    public var memoryByteCount: Int {
        let slots = program.update?.slots ?? []
        let elements =
            tensors.reduce(0) { $0 + $1.count }
            + program.parameters.reduce(0) { $0 + program[$1].shape.count * slots.count }
        return elements * MemoryLayout<Double>.stride
    }

    // MARK: Running

    @discardableResult
    public func run(_ values: StepValues) -> Bool {
        precondition(
            values.imageCount > 0 && values.imageCount <= batchSize,
            "\(values.imageCount) images in a program for batches of 1 to \(batchSize)")
        for step in program.steps { run(step, values) }
        defer { if !keepsEverything { forgetIntermediates() } }
        guard lossesAreFinite(values.imageCount) else { return false }
        guard let rule = program.update else { return true }
        return update(rule, values)
    }

    private func run(_ step: ProgramStep, _ values: StepValues) {
        let context = StepContext(
            step: step, program: program, batchSize: batchSize, values: values, imageIndices: imageIndices)
        let inputs = step.inputs.map { tensors[$0.index] }
        let outputs = context.outputs(inputs)
        for (id, output) in zip(step.outputs, outputs) {
            precondition(
                output.count == program[id].shape.count * (program[id].isBatched ? batchSize : 1),
                "\(step.path) (\(step.operation.name)): \(output.count) values for \(program[id].shape)")
            tensors[id.index] = roundsToSingle ? output.map { Double(Float($0)) } : output
        }
    }

    private func lossesAreFinite(_ imageCount: Int) -> Bool {
        for step in program.steps where step.pass == .forward {
            for id in step.outputs where program[id].isBatched && program[id].shape.rank == 0 {
                if tensors[id.index].prefix(imageCount).contains(where: { !$0.isFinite }) { return false }
            }
        }
        return true
    }

    private func forgetIntermediates() {
        for (index, info) in program.tensors.enumerated() where !isReadable(info) { tensors[index] = [] }
    }

    private func isReadable(_ info: TensorInfo) -> Bool {
        keepsEverything || (info.role != .activation && info.role != .gradient)
    }

    /// Makes the update, unless the gradient is to be clipped and its norm is not finite.
    ///
    /// - Returns: whether it was made.
    private func update(_ rule: UpdateRule, _ values: StepValues) -> Bool {
        var gradients = program.parameterGradients.map { tensors[$0.index] }
        if let limit = rule.clipNorm {
            let norm = rule.clip(&gradients, to: Double(limit))
            gradientNorm = Float(norm)
            guard norm.isFinite else { return false }
        }
        for (parameter, gradient) in zip(program.parameters, gradients) {
            guard var moved = state.removeValue(forKey: parameter) else { continue }
            rule.apply(gradient, to: &tensors[parameter.index], state: &moved, values)
            state[parameter] = moved
        }
        return true
    }

    // MARK: Reading and writing

    /// Fills an input, parameter or buffer, like `write(_:to:)`. A parameter's running average starts from it.
    public func writeDouble(_ values: [Double], to id: TensorID) {
        let info = program[id]
        precondition(
            values.count == info.shape.count
                || (info.isBatched && values.count % info.shape.count == 0 && values.count <= tensors[id.index].count),
            "\(info.name): \(values.count) values for \(info.isBatched ? "batches of \(batchSize) × " : "")\(info.shape)"
        )
        tensors[id.index].replaceSubrange(0..<values.count, with: values)
        if info.role == .parameter, program.update?.averageDecay != nil { state[id]?.average = values }
    }

    /// Reads a tensor, like `read(_:)`, in full precision.
    public func readDouble(_ id: TensorID) -> [Double] {
        precondition(isReadable(program[id]), "\(program[id].name) was not kept: compile with keepsEverything")
        return tensors[id.index]
    }

    public func write(_ values: [Float], to id: TensorID) {
        writeDouble(values.map(Double.init), to: id)
    }

    public func read(_ id: TensorID) -> [Float] {
        readDouble(id).map { Float($0) }
    }

    public func writeImages(_ pixels: UnsafeBufferPointer<UInt8>, to id: TensorID) {
        let shape = program[id].shape
        precondition(
            pixels.count <= batchSize * shape.count, "\(pixels.count) pixels for batches of \(batchSize) × \(shape)")
        for image in 0..<pixels.count / shape.count {
            for channel in 0..<shape.channels {
                for place in 0..<shape.area {
                    let pixel = pixels[image * shape.count + place * shape.channels + channel]
                    tensors[id.index][image * shape.count + channel * shape.area + place] = Double(pixel) / 255
                }
            }
        }
    }

    public func writeNoise(_ stream: RandomStream, imageIndices: UnsafeBufferPointer<Int32>, to id: TensorID) {
        precondition(imageIndices.count <= batchSize, "\(imageIndices.count) images for batches of \(batchSize)")
        let count = program[id].shape.count
        for (row, image) in imageIndices.enumerated() {
            let first = RandomStream.firstElement(image: image, count: count)
            for element in 0..<count {
                tensors[id.index][row * count + element] = Double(stream.normal(first + UInt64(element)))
            }
        }
    }

    public func setImageIndices(_ indices: UnsafeBufferPointer<Int32>) {
        precondition(indices.count <= batchSize, "\(indices.count) images for batches of \(batchSize)")
        for (row, index) in indices.enumerated() { imageIndices[row] = index }
    }

    public func readState(_ slot: UpdateRule.Slot, of parameter: TensorID) -> [Float]? {
        guard hasState(slot) else { return nil }
        return state[parameter]?[slot].map { Float($0) }
    }

    public func writeState(_ slot: UpdateRule.Slot, of parameter: TensorID, _ values: [Float]) {
        let info = program[parameter]
        precondition(hasState(slot), "\(info.name) has no optimiser state \(slot.rawValue)")
        precondition(
            values.count == info.shape.count,
            "\(info.name): \(values.count) values for the optimiser's \(slot.rawValue) of \(info.shape)")
        state[parameter]?[slot] = values.map(Double.init)
    }

    private func hasState(_ slot: UpdateRule.Slot) -> Bool {
        program.update?.slots.contains(slot) ?? false
    }
}

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
            throw ZooError("a batch has at least one image, not \(batchSize)", code: .invalidValue)
        }
        self.program = program
        self.batchSize = batchSize
        self.keepsEverything = keepsEverything
        self.roundsToSingle = roundsToSingle
        tensors = program.tensors.map { info in
            [Double](repeating: 0, count: info.elementCount(images: batchSize))
        }
        imageIndices = (0..<batchSize).map { Int32(truncatingIfNeeded: $0) }
        for group in program.groups {
            guard let rule = group.update else { continue }
            for id in group.parameters { state[id] = ReferenceOptimizerState(rule, count: program[id].shape.count) }
        }
    }

    public var memoryByteCount: Int {
        let elements = program.groups.reduce(tensors.reduce(0) { $0 + $1.count }) { sum, group in
            sum + group.parameters.reduce(0) { $0 + program[$1].shape.count } * (group.update?.slots.count ?? 0)
        }
        return elements * MemoryLayout<Double>.stride
    }

    // MARK: Running

    @discardableResult
    public func run(_ values: StepValues) -> Bool {
        precondition(
            values.imageCount > 0 && values.imageCount <= batchSize,
            "\(values.imageCount) images in a program for batches of 1 to \(batchSize)")
        let values = values.scheduled(by: program)
        for step in program.steps { run(step, values) }
        defer { if !keepsEverything { forgetIntermediates() } }
        guard termsAreFinite(values.imageCount) else { return false }
        return update(values)
    }

    private func run(_ step: ProgramStep, _ values: StepValues) {
        let context = StepContext(
            step: step, program: program, batchSize: batchSize, values: values, imageIndices: imageIndices)
        let inputs = step.inputs.map { tensors[$0.index] }
        let outputs = context.outputs(inputs)
        for (id, output) in zip(step.outputs, outputs) {
            precondition(
                output.count == program[id].elementCount(images: batchSize),
                "\(step.path) (\(step.operation.name)): \(output.count) values for \(program[id].shape)")
            tensors[id.index] = roundsToSingle ? output.map { Double(Float($0)) } : output
        }
    }

    private func termsAreFinite(_ imageCount: Int) -> Bool {
        program.terms.allSatisfy { term in
            tensors[term.value.index].prefix(program[term.value].elementCount(images: imageCount))
                .allSatisfy(\.isFinite)
        }
    }

    private func forgetIntermediates() {
        for (index, info) in program.tensors.enumerated() where !isReadable(info) { tensors[index] = [] }
    }

    private func isReadable(_ info: TensorInfo) -> Bool {
        keepsEverything || (info.role != .activation && info.role != .gradient)
    }

    /// Makes the updates, unless a gradient is to be clipped and its norm is not finite.
    ///
    /// - Returns: whether they were made.
    private func update(_ values: StepValues) -> Bool {
        let byParameter = Dictionary(uniqueKeysWithValues: zip(program.parameters, program.parameterGradients))
        var updates: [(group: ParameterGroup, rule: UpdateRule, gradients: [[Double]])] = []
        for group in program.groups {
            guard let rule = group.update else { continue }
            var gradients = group.parameters.map { parameter in
                byParameter[parameter].map { tensors[$0.index] } ?? []
            }
            if let limit = rule.clipNorm {
                let norm = rule.clip(&gradients, to: Double(limit))
                if updates.isEmpty { gradientNorm = Float(norm) }
                guard norm.isFinite else { return false }
            }
            updates.append((group, rule, gradients))
        }
        for (group, rule, gradients) in updates {
            var values = values
            if let slot = group.learningRate { values.learningRate = values[slot] }
            for (parameter, gradient) in zip(group.parameters, gradients) {
                guard var moved = state.removeValue(forKey: parameter) else { continue }
                rule.apply(gradient, to: &tensors[parameter.index], state: &moved, values)
                state[parameter] = moved
            }
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
        if info.role == .parameter, hasState(.average, of: id) { state[id]?.average = values }
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

    public func writeImages(_ images: ImageBatch, to id: TensorID) {
        let shape = program[id].shape
        precondition(
            images.sampleCount <= batchSize * shape.count,
            "\(images.sampleCount) samples for batches of \(batchSize) × \(shape)")
        switch images {
        case .bytes(let pixels): writePixels(pixels, shape, to: id)
        case .numbers(let numbers): writeDouble(numbers.map(Double.init), to: id)
        }
    }

    private func writePixels(_ pixels: UnsafeBufferPointer<UInt8>, _ shape: Shape, to id: TensorID) {
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
        let count = program[id].elementCount(images: 1)
        let noise = program.firstNoiseElement(of: id)
        for (row, image) in imageIndices.enumerated() {
            let first = noise + RandomStream.firstElement(image: image, count: count)
            for element in 0..<count {
                tensors[id.index][row * count + element] = Double(stream.normal(first + UInt64(element)))
            }
        }
    }

    public func writeClasses(_ classes: UnsafeBufferPointer<Int32>, to id: TensorID) {
        let count = program[id].shape.count
        precondition(classes.count <= batchSize, "\(classes.count) images for batches of \(batchSize)")
        for (row, chosen) in classes.enumerated() {
            for index in 0..<count { tensors[id.index][row * count + index] = index == Int(chosen) ? 1 : 0 }
        }
    }

    public func setImageIndices(_ indices: UnsafeBufferPointer<Int32>) {
        precondition(indices.count <= batchSize, "\(indices.count) images for batches of \(batchSize)")
        for (row, index) in indices.enumerated() { imageIndices[row] = index }
    }

    public func readState(_ slot: UpdateRule.Slot, of parameter: TensorID) -> [Float]? {
        guard hasState(slot, of: parameter) else { return nil }
        return state[parameter]?[slot].map { Float($0) }
    }

    public func writeState(_ slot: UpdateRule.Slot, of parameter: TensorID, _ values: [Float]) {
        let info = program[parameter]
        precondition(hasState(slot, of: parameter), "\(info.name) has no optimiser state \(slot.rawValue)")
        precondition(
            values.count == info.shape.count,
            "\(info.name): \(values.count) values for the optimiser's \(slot.rawValue) of \(info.shape)")
        state[parameter]?[slot] = values.map(Double.init)
    }

    private func hasState(_ slot: UpdateRule.Slot, of parameter: TensorID) -> Bool {
        program.group(of: parameter)?.update?.slots.contains(slot) ?? false
    }
}

import CKernels

/// Losses, and the steps that call Swift code.
extension StepCompiler {
    /// The loss per image and, if a backward step is fused in, its gradients, in one pass per likelihood term.
    func reconstruction(
        _ fused: FusedStep, _ loss: ReconstructionLoss, _ placement: Placement
    ) throws -> (StepValues) -> Void {
        let step = fused.step
        let forward = step.pass == .forward
        let dLoss = forward ? nil : try address(step.inputs[0], placement)
        let operands = forward ? step.inputs : Array(step.inputs.dropFirst())
        let inputs = try operands.map { try address($0, placement) }
        let gradients = try (forward ? fused.backward?.outputs ?? [] : step.outputs).map {
            try address($0, placement)
        }
        let pixels = program[operands[1]].shape.count
        let rows = program[operands[0]].rows
        let samples = rows.count(images: 1)
        // A backward step that stands alone recomputes the loss into memory nobody reads.
        let losses = forward ? try address(step.outputs[0], placement) : placement.scratchpad
        let (prediction, target) = (inputs[0], inputs[1])
        let logSigma = inputs.count > 2 ? inputs[2] : nil
        let gradient = gradients.first
        let dLogSigma = gradients.count > 1 ? gradients[1] : nil
        let batch = rows.count(images: batchSize)
        let isSigmoid = loss.link == .sigmoid
        let lossWeight = fused.lossWeight

        var passes: [(StepValues) -> Void] = []
        for (index, term) in loss.terms.enumerated() {
            let isFirst = index == 0
            if case .custom(let pixelLoss) = term.likelihood {
                passes.append { values in
                    let count = rows.count(images: values.imageCount)
                    customPixelLoss(
                        pixelLoss, isSigmoid: isSigmoid, weight: term.weight, isFirst: isFirst,
                        share: (lossWeight.map { values[$0] } ?? 1) / Float(count), dLoss: dLoss,
                        prediction: prediction, target: target, losses: losses, gradient: gradient, rowCount: count,
                        batchSize: batch, pixels: pixels, samples: samples)
                }
                continue
            }
            let kind: zk_likelihood =
                switch term.likelihood {
                case .bernoulli: ZK_BERNOULLI
                case .gaussianLearnedVariance: ZK_GAUSSIAN_LEARNED
                case .laplace: ZK_LAPLACE
                case .gaussian, .custom: ZK_GAUSSIAN
                }
            passes.append { values in
                zk_reconstruction(
                    kind, isSigmoid, term.weight, isFirst, lossWeight.map { values[$0] } ?? 1, dLoss, prediction,
                    target,
                    logSigma, losses, gradient, dLogSigma, Int64(rows.count(images: values.imageCount)), Int64(batch),
                    Int64(pixels), Int64(samples))
            }
        }
        if passes.count == 1 { return passes[0] }
        return { values in for pass in passes { pass(values) } }
    }

    /// An operation with code of its own, on row-major copies of those tensors that lie otherwise.
    func custom(
        _ step: ProgramStep, _ operation: any CustomOperation, _ placement: Placement
    ) throws -> (StepValues) -> Void {
        let copies = !operation.takesChannelsLast
        let inputs = try step.inputs.map { try RowMajorTensor($0, self, placement, copiesMaps: copies) }
        let outputs = try step.outputs.map { try RowMajorTensor($0, self, placement, copiesMaps: copies) }
        let operands = step.pass == .forward ? step.inputs : Array(step.inputs.dropFirst())
        let isForward = step.pass == .forward
        var tensors = OperationTensors<Float>(
            inputTypes: operands.map { program.type(of: $0) },
            outputType: program.type(of: isForward ? step.outputs[0] : step.inputs[0]), inputs: [],
            values: StepValues(imageCount: 0))
        /// Points to the rows of so many images.
        func bind(_ imageCount: Int) {
            tensors.inputs = inputs.map { UnsafeBufferPointer($0.rows(of: imageCount)) }
            if isForward {
                tensors.output = outputs[0].rows(of: imageCount)
                return
            }
            tensors.outputGradient = tensors.inputs.removeFirst()
            tensors.inputGradients = .init(repeating: nil, count: tensors.inputs.count)
            for (position, output) in zip(step.gradient?.inputs ?? [], outputs) {
                tensors.inputGradients[position] = output.rows(of: imageCount)
            }
        }
        return { values in
            for input in inputs { input.load() }
            for output in outputs { output.clear(after: copies ? 0 : values.imageCount) }
            if tensors.values.imageCount != values.imageCount { bind(values.imageCount) }
            tensors.values = values
            if isForward { operation.forwardInSingle(tensors) } else { operation.backwardInSingle(tensors) }
            for output in outputs { output.store() }
        }
    }
}

/// A tensor in N C H W order for code in Swift: its own memory where that has the order, or any will do, else a copy.
private final class RowMajorTensor {
    let rowMajor: UnsafeMutableBufferPointer<Float>
    private let memory: UnsafeMutablePointer<Float>
    private let isCopy: Bool
    private let info: TensorInfo
    private let rows: Int64
    private let channels: Int64
    private let area: Int64
    /// Where each element lies, for weights.
    private let places: [Int]?

    /// - Throws: `ZooError` where no step fills the tensor, or only oneDNN knows how it lies.
    init(_ id: TensorID, _ compiler: StepCompiler, _ placement: Placement, copiesMaps: Bool) throws {
        memory = try compiler.address(id, placement)
        info = compiler.program[id]
        let isMaps = info.shape.rank == 3 && info.isBatched
        rows = Int64(info.rows.count(images: compiler.batchSize))
        channels = isMaps ? Int64(info.shape.channels) : 1
        area = isMaps ? Int64(info.shape.area) : Int64(info.shape.count)
        places = try compiler.places(of: id)
        isCopy = (copiesMaps && channels > 1 && area > 1) || places != nil
        let count = info.elementCount(images: compiler.batchSize)
        if isCopy {
            rowMajor = .allocate(capacity: count)
            rowMajor.initialize(repeating: 0)
        } else {
            rowMajor = UnsafeMutableBufferPointer(start: memory, count: count)
        }
    }

    deinit {
        if isCopy { rowMajor.deallocate() }
    }

    /// The rows of so many images.
    func rows(of imageCount: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: rowMajor[..<info.elementCount(images: imageCount)])
    }

    /// Zeros from the rows of image number `imageCount` on.
    func clear(after imageCount: Int) {
        let first = imageCount == 0 ? 0 : info.elementCount(images: imageCount)
        UnsafeMutableBufferPointer(rebasing: rowMajor[first...]).update(repeating: 0)
    }

    func load() {
        guard isCopy, let copy = rowMajor.baseAddress else { return }
        if let places {
            for (index, place) in places.enumerated() { copy[index] = memory[place] }
        } else {
            zk_channels_first(memory, copy, rows, channels, area)
        }
    }

    func store() {
        guard isCopy, let copy = rowMajor.baseAddress else { return }
        if let places {
            for (index, place) in places.enumerated() { memory[place] = copy[index] }
        } else {
            zk_channels_last(copy, memory, rows, channels, area)
        }
    }
}

private func customPixelLoss(
    _ loss: some PixelLoss, isSigmoid: Bool, weight: Float, isFirst: Bool, share: Float,
    dLoss: UnsafeMutablePointer<Float>?, prediction: UnsafeMutablePointer<Float>, target: UnsafeMutablePointer<Float>,
    losses: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>?, rowCount: Int, batchSize: Int,
    pixels: Int, samples: Int
) {
    var predicted = [Float](repeating: 0, count: pixels)
    for image in 0..<batchSize {
        let row = image * pixels
        if image >= rowCount {
            losses[image] = 0
            gradient?.advanced(by: row).update(repeating: 0, count: pixels)
            continue
        }
        zk_activate(isSigmoid ? ZK_SIGMOID : ZK_IDENTITY, 0, prediction + row, &predicted, false, Int64(pixels))
        var sum = 0.0
        for pixel in 0..<pixels {
            let x = predicted[pixel]
            let (value, derivative) = loss.valueAndDerivative(
                prediction: x, target: target[image / samples * pixels + pixel])
            sum += Double(value)
            guard let gradient else { continue }
            let slope = weight * (dLoss?[image] ?? share) * derivative * (isSigmoid ? x * (1 - x) : 1)
            gradient[row + pixel] = isFirst ? slope : gradient[row + pixel] + slope
        }
        losses[image] = Float(Double(weight) * sum) + (isFirst ? 0 : losses[image])
    }
}

import CKernels

/// Losses, and the steps that call a plug-in's Swift code.
extension StepCompiler {
    /// The loss per image and, if a backward step is fused in, its gradients, in one pass per likelihood term.
    func reconstruction(
        _ fused: FusedStep, _ loss: ReconstructionLoss, _ placement: Placement
    ) throws -> (StepValues) -> Void {
        let inputs = try fused.step.inputs.map { try address($0, placement) }
        let forward = fused.step.pass == .forward
        let gradients = try (forward ? fused.backward?.outputs ?? [] : fused.step.outputs).map {
            try address($0, placement)
        }
        let pixels = program[fused.step.inputs[1]].shape.count
        // A backward step that stands alone recomputes the loss into memory nobody reads.
        let losses = forward ? try address(fused.step.outputs[0], placement) : placement.scratchpad
        let (prediction, target) = (inputs[0], inputs[1])
        let logSigma = inputs.count > 2 ? inputs[2] : nil
        let gradient = gradients.first
        let dLogSigma = gradients.count > 1 ? gradients[1] : nil
        let batch = batchSize
        let isSigmoid = loss.link == .sigmoid

        var passes: [(StepValues) -> Void] = []
        for (index, term) in loss.terms.enumerated() {
            let isFirst = index == 0
            if case .custom(let pixelLoss) = term.likelihood {
                passes.append { values in
                    customPixelLoss(
                        pixelLoss, isSigmoid: isSigmoid, weight: term.weight, isFirst: isFirst, prediction: prediction,
                        target: target, losses: losses, gradient: gradient, imageCount: values.imageCount,
                        batchSize: batch, pixels: pixels)
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
                    kind, isSigmoid, term.weight, isFirst, prediction, target, logSigma, losses, gradient, dLogSigma,
                    Int64(values.imageCount), Int64(batch), Int64(pixels))
            }
        }
        if passes.count == 1 { return passes[0] }
        return { values in for pass in passes { pass(values) } }
    }

    /// A plug-in's operation on row-major copies of its tensors.
    func custom(
        _ step: ProgramStep, _ operation: any CustomOperation, _ placement: Placement
    ) -> (StepValues) -> Void {
        let forward = step.pass == .forward
        let tensors = step.inputs + step.outputs
        var copies = tensors.map { [Float](repeating: 0, count: byteCount($0) / MemoryLayout<Float>.stride) }
        let inputCount = step.inputs.count
        let batch = batchSize
        let moves = tensors.map { id -> (UnsafeMutablePointer<Float>?, images: Int64, channels: Int64, area: Int64) in
            let info = program[id]
            let isMaps = info.shape.rank == 3 && info.isBatched
            return (
                placement.pointer(id), info.isBatched ? Int64(batch) : 1, isMaps ? Int64(info.shape.channels) : 1,
                isMaps ? Int64(info.shape.area) : Int64(info.shape.count)
            )
        }
        return { values in
            for (index, move) in moves.enumerated() where index < inputCount {
                guard let memory = move.0 else { continue }
                zk_channels_first(memory, &copies[index], move.images, move.channels, move.area)
            }
            withBuffers(&copies) { whole in
                // A plug-in sees the images of the batch, not the rows that a short batch leaves unused.
                let buffers = zip(whole, moves).map { buffer, move in
                    guard move.images > 1 else { return buffer }
                    return UnsafeMutableBufferPointer(
                        rebasing: buffer[..<(buffer.count / Int(move.images) * values.imageCount)])
                }
                for output in whole[inputCount...] { output.update(repeating: 0) }
                let inputs = buffers[..<inputCount].map { UnsafeBufferPointer($0) }
                if forward {
                    operation.forward(inputs: inputs, output: buffers[inputCount], imageCount: values.imageCount)
                } else {
                    operation.backward(
                        inputs: Array(inputs.dropFirst()), outputGradient: inputs[0],
                        inputGradients: Array(buffers[inputCount...]), imageCount: values.imageCount)
                }
            }
            for (index, move) in moves.enumerated() where index >= inputCount {
                guard let memory = move.0 else { continue }
                zk_channels_last(copies[index], memory, move.images, move.channels, move.area)
            }
        }
    }
}

/// Calls `body` with the storage of all arrays at once.
private func withBuffers(_ arrays: inout [[Float]], _ body: ([UnsafeMutableBufferPointer<Float>]) -> Void) {
    func descend(_ index: Int, _ buffers: [UnsafeMutableBufferPointer<Float>]) {
        guard index < arrays.count else { return body(buffers) }
        var array: [Float] = []
        swap(&array, &arrays[index])
        array.withUnsafeMutableBufferPointer { descend(index + 1, buffers + [$0]) }
        swap(&array, &arrays[index])
    }
    descend(0, [])
}

private func customPixelLoss(
    _ loss: some PixelLoss, isSigmoid: Bool, weight: Float, isFirst: Bool, prediction: UnsafeMutablePointer<Float>,
    target: UnsafeMutablePointer<Float>, losses: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>?,
    imageCount: Int, batchSize: Int, pixels: Int
) {
    let share = weight / Float(imageCount)
    var predicted = [Float](repeating: 0, count: pixels)
    for image in 0..<batchSize {
        let row = image * pixels
        if image >= imageCount {
            losses[image] = 0
            gradient?.advanced(by: row).update(repeating: 0, count: pixels)
            continue
        }
        zk_activate(isSigmoid ? ZK_SIGMOID : ZK_IDENTITY, 0, prediction + row, &predicted, false, Int64(pixels))
        var sum = 0.0
        for pixel in 0..<pixels {
            let x = predicted[pixel]
            let (value, derivative) = loss.valueAndDerivative(prediction: x, target: target[row + pixel])
            sum += Double(value)
            guard let gradient else { continue }
            let slope = share * derivative * (isSigmoid ? x * (1 - x) : 1)
            gradient[row + pixel] = isFirst ? slope : gradient[row + pixel] + slope
        }
        losses[image] = Float(Double(weight) * sum) + (isFirst ? 0 : losses[image])
    }
}

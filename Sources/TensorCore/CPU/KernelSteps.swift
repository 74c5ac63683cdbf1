import CKernels

extension StepCompiler {
    /// The kernel of a step that is neither a matrix product nor an alias.
    func kernelStep(_ fused: FusedStep, _ placement: Placement) throws -> CompiledStep {
        let step = fused.step
        let run = try kernel(fused, placement)
        return CompiledStep(
            path: step.path, operation: step.operation.name, pass: step.pass, implementation: "kernel", flops: 0,
            byteCount: (fused.inputs + fused.outputs).reduce(0) { $0 + byteCount($1) }, run: run)
    }

    /// Floats that a tensor takes: more than it has elements where weights lie in panels that are not full.
    func floatCount(_ id: TensorID) -> Int { byteCount(id) / MemoryLayout<Float>.stride }

    private func kernel(_ fused: FusedStep, _ placement: Placement) throws -> (StepValues) -> Void {
        let step = fused.step
        let x = try step.inputs.map { try address($0, placement) }
        let y = try step.outputs.map { try address($0, placement) }
        let forward = step.pass == .forward
        let info = program[step.inputs.first ?? step.outputs[0]]
        let (area, channels) = (Int64(info.shape.area), Int64(info.shape.channels))
        let batch = Int64(info.rows.count(images: batchSize))
        let count = Int64(info.elementCount(images: batchSize))

        /// With the shapes of the forward step; a backward step is `[dy, …] → [dx]`.
        func slidingWindow(_ window: Window) -> zk_window {
            let (input, output) =
                forward ? (step.inputs[0], step.outputs[0]) : (step.outputs[0], step.inputs[0])
            return zk_window(window, input: program[input].shape, output: program[output].shape)
        }

        switch step.operation {
        case .activation(let activation):
            let (kind, parameter) = activation.kernel
            let isBF16 = types.isBF16(step.outputs[0])
            return forward
                ? { _ in zk_activate(kind, parameter, x[0], y[0], isBF16, count) }
                : { _ in zk_activate_backward(kind, parameter, x[0], x[1], y[0], isBF16, count) }
        case .add:
            let isBF16 = types.isBF16(step.outputs[0])
            let count = isBF16 ? count : Int64(floatCount(step.outputs[0]))
            return { _ in zk_add(x[0], x[1], y[0], isBF16, count) }
        case .dropout(let rate, let layer):
            let indices = placement.imageIndices
            let order = info.shape.rank == 1 ? orders.order(of: step.inputs[0]) : FeatureOrder(of: info.shape)
            var (maps, places) = (channels, area)
            if case .channelsLast(let orderChannels, let orderArea) = order {
                (maps, places) = (Int64(orderChannels), Int64(orderArea))
            } else {
                (maps, places) = (1, channels * area)
            }
            return { values in
                var stream = zk_stream(RandomStream(seed: values.seed, purpose: .dropout, step: values.step))
                zk_dropout(&stream, layer, rate, indices.pointer, x[0], y[0], batch, maps, places)
            }
        case .reshape:
            return reshapeCopy(step, x[0], y[0])
        case .upsampleNearest(let factor):
            var window = slidingWindow(Window(kernel: factor, stride: factor))
            return forward
                ? { _ in zk_upsample(x[0], y[0], batch, &window) }
                : { _ in zk_upsample_backward(x[0], y[0], batch, &window) }
        case .maxPool(let extent):
            var window = slidingWindow(extent)
            return forward
                ? { _ in zk_max_pool(x[0], y[0], batch, &window) }
                : { _ in zk_max_pool_backward(x[0], x[1], y[0], batch, &window) }
        case .averagePool(let extent):
            var window = slidingWindow(extent)
            return forward
                ? { _ in zk_average_pool(x[0], y[0], batch, &window) }
                : { _ in zk_average_pool_backward(x[0], y[0], batch, &window) }
        case .batchNorm(let epsilon, let momentum, let training):
            return try batchNorm(step, x, y, area, channels, epsilon, momentum, training)
        case .groupNorm(let groups, let epsilon):
            let workspace = placement.scratchpad
            return forward
                ? { _ in
                    zk_group_norm(x[0], x[1], x[2], y[0], y[1], y[2], batch, area, channels, Int64(groups), epsilon)
                }
                : { _ in
                    zk_group_norm_backward(
                        x[0], x[1], x[2], x[3], x[4], y[0], y[1], y[2], workspace, batch, area, channels, Int64(groups))
                }
        case .gaussianLatent:
            return latent(step, x, y)
        case .reconstruction(let loss):
            return try reconstruction(fused, loss, placement)
        case .vectorQuantization:
            return vectorQuantization(step, x, y)
        case .codebookUpdate(let decay, let smoothing, let revival):
            return codebookUpdate(step, x, y, decay, smoothing, revival)
        case .crop:
            let result = program[step.outputs[0]].shape
            let (from, to) = (info.shape, result)
            return { _ in
                zk_crop(
                    x[0], y[0], batch, channels, Int64(from.height), Int64(from.width), Int64(to.height),
                    Int64(to.width))
            }
        case .gate:
            let half = program[forward ? step.outputs[0] : step.inputs[0]].shape
            let (rows, channels) = (batch * Int64(half.area), Int64(half.channels))
            return forward
                ? { _ in zk_gate(x[0], y[0], rows, channels) }
                : { _ in zk_gate_backward(x[0], x[1], y[0], rows, channels) }
        case .lossGradient(let weight):
            let rows = info.rows
            return { values in
                let count = rows.count(images: values.imageCount)
                let share = values[weight] * (1 / Float(count))
                for row in 0..<Int(batch) { y[0][row] = row < count ? share : 0 }
            }
        case .custom(let operation):
            return try custom(step, operation, placement)
        case .linear, .convolution, .transposedConvolution:
            throw ZooError("\(step.path): oneDNN has no \(step.operation.name) for these shapes", code: .unsupported)
        }
    }

    private func reshapeCopy(
        _ step: ProgramStep, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>
    ) -> (StepValues) -> Void {
        /// (C, area) of a tensor's memory; C = 1 for the plain order.
        func order(_ id: TensorID) -> (Int64, Int64) {
            let shape = program[id].shape
            let order = shape.rank == 3 ? FeatureOrder(of: shape) : orders.order(of: id)
            if case .channelsLast(let channels, let area) = order { return (Int64(channels), Int64(area)) }
            return (1, Int64(shape.count))
        }
        let (from, to) = (order(step.inputs[0]), order(step.outputs[0]))
        let info = program[step.inputs[0]]
        let batch = Int64(info.rows.count(images: batchSize))
        var scratch = [Float](repeating: 0, count: info.elementCount(images: batchSize))
        return { _ in
            scratch.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                zk_channels_first(x, base, batch, from.0, from.1)
                zk_channels_last(base, y, batch, to.0, to.1)
            }
        }
    }

    private func batchNorm(
        _ step: ProgramStep, _ x: [UnsafeMutablePointer<Float>], _ y: [UnsafeMutablePointer<Float>], _ area: Int64,
        _ channels: Int64, _ epsilon: Float, _ momentum: Float, _ training: Bool
    ) throws -> (StepValues) -> Void {
        let batch = program[step.inputs[0]].rows
        let rows = Int64(batch.count(images: batchSize)) * area
        if step.pass == .forward {
            return training
                ? { values in
                    zk_batch_norm(
                        x[0], x[1], x[2], x[3], x[4], y[0], y[1], y[2],
                        Int64(batch.count(images: values.imageCount)) * area, rows, channels,
                        epsilon, momentum)
                }
                : { _ in zk_batch_norm_evaluate(x[0], x[1], x[2], x[3], x[4], y[0], rows, channels, epsilon) }
        }
        guard training else {
            throw ZooError("\(step.path): batch normalisation in evaluation mode has no gradient", code: .unsupported)
        }
        return { values in
            zk_batch_norm_backward(
                x[0], x[1], x[2], x[3], x[4], y[0], y[1], y[2], Int64(batch.count(images: values.imageCount)) * area,
                rows, channels)
        }
    }

    private func latent(
        _ step: ProgramStep, _ x: [UnsafeMutablePointer<Float>], _ y: [UnsafeMutablePointer<Float>]
    ) -> (StepValues) -> Void {
        let isForward = step.pass == .forward
        let info = program[isForward ? step.inputs[0] : step.outputs[0]]
        let (rows, size) = (info.rows, Int64(info.shape.count))
        let batch = Int64(rows.count(images: batchSize))
        let noiseRows = program[step.inputs[step.inputs.count - 1]].rows
        let samples = Int64(noiseRows.count(images: batchSize)) / batch
        if isForward {
            return { values in
                zk_latent(
                    x[0], x[1], x[2], y[0], y[1], y[2], Int64(rows.count(images: values.imageCount)), batch, size,
                    samples)
            }
        }
        let given = step.gradient?.outputs ?? []
        func gradient(of output: Int) -> UnsafeMutablePointer<Float>? { given.firstIndex(of: output).map { x[$0] } }
        let (dz, dKL, dPerDimension) = (gradient(of: 0), gradient(of: 1), gradient(of: 2))
        let (mean, logVariance, noise) = (x[given.count], x[given.count + 1], x[given.count + 2])
        return { values in
            zk_latent_backward(
                dz, dKL, dPerDimension, mean, logVariance, noise, y[0], y[1],
                Int64(rows.count(images: values.imageCount)), batch, size, samples)
        }
    }
}

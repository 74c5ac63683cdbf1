import CKernels

/// Codebooks: maps lie channels-last, so that the vector of a position is one row of memory.
extension StepCompiler {
    func vectorQuantization(
        _ step: ProgramStep, _ x: [UnsafeMutablePointer<Float>], _ y: [UnsafeMutablePointer<Float>]
    ) -> (StepValues) -> Void {
        let (info, codebook) = (program[step.inputs[0]], program[step.inputs[1]].shape)
        let (rows, area) = (info.rows, info.shape.area)
        let (batch, size) = (Int64(rows.count(images: batchSize) * area), Int64(info.shape.channels))
        let codes = Int64(codebook.dimensions[0])
        var workspace = [Float](repeating: 0, count: Int(zk_quantize_workspace(codes, size)))
        return { values in
            workspace.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                zk_quantize(
                    x[0], x[1], y[0], y[1], base, Int64(rows.count(images: values.imageCount) * area), batch, size,
                    codes)
            }
        }
    }

    func codebookUpdate(
        _ step: ProgramStep, _ x: [UnsafeMutablePointer<Float>], _ y: [UnsafeMutablePointer<Float>], _ decay: Float,
        _ smoothing: Float, _ revival: Float
    ) -> (StepValues) -> Void {
        let info = program[step.inputs[0]]
        let (rows, area, size) = (info.rows, info.shape.area, info.shape.channels)
        let codes = program[step.inputs[2]].shape.dimensions[0]
        let (vectors, indices) = (x[0], x[1])
        let (codebook, sizes, sums) = (y[0], y[1], y[2])
        return { values in
            let count = rows.count(images: values.imageCount) * area
            zk_codebook_sums(vectors, indices, sizes, sums, decay, Int64(count), Int64(size), Int64(codes))
            var total: Float = 0
            for code in 0..<codes { total += sizes[code] }
            let stream = RandomStream(seed: values.seed, purpose: .codebook, step: values.step)
            for code in 0..<codes {
                guard sizes[code] >= revival else {
                    let chosen = stream.integer(UInt64(code), below: count)
                    sizes[code] = 1
                    (sums + code * size).update(from: vectors + chosen * size, count: size)
                    (codebook + code * size).update(from: vectors + chosen * size, count: size)
                    continue
                }
                let divisor = (sizes[code] + smoothing) / (total + Float(codes) * smoothing) * total
                guard divisor > 0 else { continue }
                for d in code * size..<(code + 1) * size { codebook[d] = sums[d] / divisor }
            }
        }
    }
}

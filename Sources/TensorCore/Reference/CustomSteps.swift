extension StepContext {
    /// `[inputs…] → [y]` of a plug-in's operation.
    func custom(_ inputs: [[Double]], _ operation: some CustomOperation) -> [[Double]] {
        var y = zeros(0)
        let count = images * outputShape(0).count
        withBuffers(inputs, step.inputs) { buffers in
            y.withUnsafeMutableBufferPointer { output in
                operation.forward(inputs: buffers, output: .init(rebasing: output[..<count]), imageCount: images)
            }
        }
        return [y]
    }

    /// `[dy, inputs…] → [d inputs…]` of a plug-in's operation.
    func customBackward(_ inputs: [[Double]], _ operation: some CustomOperation) -> [[Double]] {
        // One block of memory for all gradients, for a plug-in gets them at the same time.
        let sizes = step.outputs.map { program[$0].shape.count * (program[$0].isBatched ? images : 1) }
        var gradients = [Double](repeating: 0, count: sizes.reduce(0, +))
        withBuffers(inputs, step.inputs) { buffers in
            gradients.withUnsafeMutableBufferPointer { all in
                var start = 0
                let parts = sizes.map { size in
                    defer { start += size }
                    return UnsafeMutableBufferPointer(rebasing: all[start..<start + size])
                }
                operation.backward(
                    inputs: Array(buffers.dropFirst()), outputGradient: buffers[0], inputGradients: parts,
                    imageCount: images)
            }
        }
        var start = 0
        return sizes.indices.map { position in
            defer { start += sizes[position] }
            var output = zeros(position)
            output.replaceSubrange(0..<sizes[position], with: gradients[start..<start + sizes[position]])
            return output
        }
    }

    /// Calls `body` with the images that count of each batched tensor, and the whole of the others.
    private func withBuffers(
        _ arrays: [[Double]], _ ids: [TensorID], _ body: ([UnsafeBufferPointer<Double>]) -> Void
    ) {
        func descend(_ index: Int, _ buffers: [UnsafeBufferPointer<Double>]) {
            guard index < arrays.count else { return body(buffers) }
            let info = program[ids[index]]
            let count = info.shape.count * (info.isBatched ? images : 1)
            arrays[index].withUnsafeBufferPointer { buffer in
                descend(index + 1, buffers + [UnsafeBufferPointer(rebasing: buffer[..<count])])
            }
        }
        descend(0, [])
    }
}

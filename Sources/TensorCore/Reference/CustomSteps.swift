extension StepContext {
    /// `[inputs…] → [y]` of an operation with code of its own.
    func custom(_ inputs: [[Double]], _ operation: some CustomOperation) -> [[Double]] {
        var y = zeros(0)
        let count = program[step.outputs[0]].elementCount(images: values.imageCount)
        withBuffers(inputs) { buffers in
            y.withUnsafeMutableBufferPointer { output in
                operation.forward(
                    OperationTensors(
                        inputTypes: step.inputs.map { program.type(of: $0) },
                        outputType: program.type(of: step.outputs[0]), inputs: buffers,
                        output: .init(rebasing: output[..<count]), values: values))
            }
        }
        return [y]
    }

    /// `[dy, inputs…] → [d inputs…]`, for the inputs that need it.
    func customBackward(_ inputs: [[Double]], _ operation: some CustomOperation) -> [[Double]] {
        // One block of memory for all gradients, for the operation gets them at the same time.
        let sizes = step.outputs.map { program[$0].elementCount(images: batchSize) }
        var gradients = [Double](repeating: 0, count: sizes.reduce(0, +))
        let positions = step.gradient?.inputs ?? []
        withBuffers(inputs) { buffers in
            gradients.withUnsafeMutableBufferPointer { all in
                var parts = [UnsafeMutableBufferPointer<Double>?](repeating: nil, count: buffers.count - 1)
                var start = 0
                for ((position, size), id) in zip(zip(positions, sizes), step.outputs) {
                    let count = program[id].elementCount(images: values.imageCount)
                    parts[position] = UnsafeMutableBufferPointer(rebasing: all[start..<start + count])
                    start += size
                }
                operation.backward(
                    OperationTensors(
                        inputTypes: step.inputs.dropFirst().map { program.type(of: $0) },
                        outputType: program.type(of: step.inputs[0]), inputs: Array(buffers.dropFirst()),
                        outputGradient: buffers[0], inputGradients: parts, values: values))
            }
        }
        var start = 0
        return sizes.map { size in
            defer { start += size }
            return Array(gradients[start..<start + size])
        }
    }

    private func withBuffers(_ arrays: [[Double]], _ body: ([UnsafeBufferPointer<Double>]) -> Void) {
        func descend(_ index: Int, _ buffers: [UnsafeBufferPointer<Double>]) {
            guard index < arrays.count else { return body(buffers) }
            let count = program[step.inputs[index]].elementCount(images: values.imageCount)
            arrays[index].withUnsafeBufferPointer {
                descend(index + 1, buffers + [UnsafeBufferPointer(rebasing: $0[..<count])])
            }
        }
        descend(0, [])
    }
}

/// Linear layers and convolutions, as sums over their indices.
extension ReferenceProgram {
    func linear(_ step: ProgramStep, _ images: Int) {
        switch step.pass {
        case .forward:
            let (x, weights) = (values[step.inputs[0].index], values[step.inputs[1].index])
            let bias = step.inputs.count > 2 ? values[step.inputs[2].index] : nil
            let outputs = program[step.outputs[0]].shape.count
            let inputs = program[step.inputs[0]].shape.count
            for n in 0..<images {
                for o in 0..<outputs {
                    var sum = bias?[o] ?? 0
                    for i in 0..<inputs { sum += x[n * inputs + i] * weights[o * inputs + i] }
                    values[step.outputs[0].index][n * outputs + o] = sum
                }
            }
        case .backwardData:
            let (dy, weights) = (values[step.inputs[0].index], values[step.inputs[1].index])
            let outputs = program[step.inputs[0]].shape.count
            let inputs = program[step.outputs[0]].shape.count
            for n in 0..<images {
                for i in 0..<inputs {
                    var sum = 0.0
                    for o in 0..<outputs { sum += dy[n * outputs + o] * weights[o * inputs + i] }
                    values[step.outputs[0].index][n * inputs + i] = sum
                }
            }
        case .backwardWeights:
            let (x, dy) = (values[step.inputs[0].index], values[step.inputs[1].index])
            let inputs = program[step.inputs[0]].shape.count
            let outputs = program[step.inputs[1]].shape.count
            for o in 0..<outputs {
                for i in 0..<inputs {
                    var sum = 0.0
                    for n in 0..<images { sum += dy[n * outputs + o] * x[n * inputs + i] }
                    values[step.outputs[0].index][o * inputs + i] = sum
                }
            }
            if step.outputs.count > 1 { biasGradient(step, images) }
        }
    }

    /// With small and large sides of the window: y is small in a convolution, x in a transposed convolution.
    func convolution(_ step: ProgramStep, _ window: Window, isTransposed: Bool, _ images: Int) {
        let (source, destination): (TensorID, TensorID) =
            switch step.pass {
            case .forward: (step.inputs[0], step.outputs[0])
            case .backwardData: (step.outputs[0], step.inputs[0])
            case .backwardWeights: (step.inputs[0], step.inputs[1])
            }
        let (large, small) = isTransposed ? (destination, source) : (source, destination)
        let places = WindowPlaces(large: program[large].shape, small: program[small].shape, window: window)
        let weights = step.pass == .backwardWeights ? step.outputs[0] : step.inputs[1]
        // Which of the three tensors is the sum of products of the other two.
        let target =
            switch step.pass {
            case .forward: destination
            case .backwardData: source
            case .backwardWeights: step.outputs[0]
            }
        var result = [Double](repeating: 0, count: values[target.index].count)
        let (a, b, w) = (values[large.index], values[small.index], values[weights.index])
        for n in 0..<images {
            places.forEach { largePlace, smallPlace, weight in
                let i = n * places.large.count + largePlace
                let j = n * places.small.count + smallPlace
                if target == large {
                    result[i] += b[j] * w[weight]
                } else if target == small {
                    result[j] += a[i] * w[weight]
                } else {
                    result[weight] += a[i] * b[j]
                }
            }
        }
        if step.pass == .forward, step.inputs.count > 2 {
            let bias = values[step.inputs[2].index]
            let shape = program[step.outputs[0]].shape
            for index in result.indices where index < images * shape.count {
                result[index] += bias[index % shape.count / shape.area]
            }
        }
        values[target.index] = result
        if step.pass == .backwardWeights, step.outputs.count > 1 { biasGradient(step, images) }
    }

    /// db[o] = Σ over images and positions of dy.
    private func biasGradient(_ step: ProgramStep, _ images: Int) {
        let shape = program[step.inputs[1]].shape
        let dy = values[step.inputs[1].index]
        var sums = [Double](repeating: 0, count: shape.channels)
        for index in 0..<images * shape.count { sums[index % shape.count / shape.area] += dy[index] }
        values[step.outputs[1].index] = sums
    }
}

/// All triples (place in the larger maps, place in the smaller maps, weight) that a convolution connects. Weights are
/// `[small channels, large channels, kh, kw]`.
private struct WindowPlaces {
    let large: Shape
    let small: Shape
    let window: Window

    func forEach(_ body: (Int, Int, Int) -> Void) {
        let kernel = window.kernel
        for o in 0..<small.channels {
            for c in 0..<large.channels {
                for (r, q) in positions(small.height, small.width) {
                    for (i, j) in positions(kernel.height, kernel.width) {
                        let row = r * window.stride.height - window.padding.height + i
                        let column = q * window.stride.width - window.padding.width + j
                        guard row >= 0, row < large.height, column >= 0, column < large.width else { continue }
                        body(
                            c * large.area + row * large.width + column, o * small.area + r * small.width + q,
                            ((o * large.channels + c) * kernel.height + i) * kernel.width + j)
                    }
                }
            }
        }
    }
}

/// (row, column) pairs, row by row.
func positions(_ height: Int, _ width: Int) -> [(Int, Int)] {
    (0..<height).flatMap { row in (0..<width).map { (row, $0) } }
}

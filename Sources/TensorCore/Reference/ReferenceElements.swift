import Glibc

/// Element-wise operations, pooling and enlargement.
extension ReferenceProgram {
    func activate(_ step: ProgramStep, _ activation: Activation) {
        let x = values[step.inputs[0].index]
        if step.pass == .forward {
            values[step.outputs[0].index] = x.map(activation.value)
        } else {
            values[step.outputs[0].index] = zip(x, values[step.inputs[1].index]).map { $0 * activation.derivative($1) }
        }
    }

    func dropout(_ step: ProgramStep, _ rate: Float, _ layer: UInt32, _ stepValues: StepValues) {
        let size = program[step.inputs[0]].shape.count
        let x = values[step.inputs[0].index]
        let stream = RandomStream(seed: stepValues.seed, purpose: .dropout, step: stepValues.step)
        for row in 0..<stepValues.imageCount {
            let first = UInt64(layer) << 48 + RandomStream.firstElement(image: imageIndices[row], count: size)
            for element in 0..<size {
                let isKept = stream.uniform(first + UInt64(element)) >= rate
                values[step.outputs[0].index][row * size + element] =
                    isKept ? x[row * size + element] / (1 - Double(rate)) : 0
            }
        }
    }

    func upsample(_ step: ProgramStep, _ factor: Window.Extent, _ images: Int) {
        let forward = step.pass == .forward
        let small = program[forward ? step.inputs[0] : step.outputs[0]].shape
        let width = small.width * factor.width
        let source = values[step.inputs[0].index]
        var result = [Double](repeating: 0, count: values[step.outputs[0].index].count)
        for plane in 0..<images * small.channels {
            for (r, q) in positions(small.height * factor.height, width) {
                let large = plane * small.area * factor.height * factor.width + r * width + q
                let place = plane * small.area + r / factor.height * small.width + q / factor.width
                if forward { result[large] = source[place] } else { result[place] += source[large] }
            }
        }
        values[step.outputs[0].index] = result
    }

    func maxPool(_ step: ProgramStep, _ window: Window, _ images: Int) {
        let forward = step.pass == .forward
        let (input, output) = spatialShapes(step)
        let x = values[step.inputs[forward ? 0 : 1].index]
        var result = [Double](repeating: 0, count: values[step.outputs[0].index].count)
        for plane in 0..<images * input.channels {
            for (r, q) in positions(output.height, output.width) {
                let place = plane * output.area + r * output.width + q
                var best: (place: Int, value: Double)?
                for inside in places(input, window, r, q)
                where x[plane * input.area + inside] > best?.value ?? -.infinity {
                    best = (plane * input.area + inside, x[plane * input.area + inside])
                }
                guard let best else { continue }
                if forward {
                    result[place] = best.value
                } else {
                    result[best.place] += values[step.inputs[0].index][place]
                }
            }
        }
        values[step.outputs[0].index] = result
    }

    func averagePool(_ step: ProgramStep, _ window: Window, _ images: Int) {
        let forward = step.pass == .forward
        let (input, output) = spatialShapes(step)
        let share = 1 / Double(window.kernel.height * window.kernel.width)
        let source = values[step.inputs[0].index]
        var result = [Double](repeating: 0, count: values[step.outputs[0].index].count)
        for plane in 0..<images * input.channels {
            for (r, q) in positions(output.height, output.width) {
                let place = plane * output.area + r * output.width + q
                for inside in places(input, window, r, q) {
                    if forward {
                        result[place] += source[plane * input.area + inside] * share
                    } else {
                        result[plane * input.area + inside] += source[place] * share
                    }
                }
            }
        }
        values[step.outputs[0].index] = result
    }

    /// Shapes of x and y.
    private func spatialShapes(_ step: ProgramStep) -> (Shape, Shape) {
        let (first, last) = (program[step.inputs[0]].shape, program[step.outputs[0]].shape)
        return step.pass == .forward ? (first, last) : (last, first)
    }

    /// Places of the input that the window at (r, q) covers.
    private func places(_ input: Shape, _ window: Window, _ r: Int, _ q: Int) -> [Int] {
        positions(window.kernel.height, window.kernel.width).compactMap { i, j in
            let row = r * window.stride.height - window.padding.height + i
            let column = q * window.stride.width - window.padding.width + j
            guard row >= 0, row < input.height, column >= 0, column < input.width else { return nil }
            return row * input.width + column
        }
    }
}

extension Activation {
    /// f(x).
    func value(_ x: Double) -> Double {
        switch self {
        case .identity: x
        case .relu: max(0, x)
        case .leakyReLU(let slope): x > 0 ? x : Double(slope) * x
        case .elu(let alpha): x > 0 ? x : Double(alpha) * expm1(x)
        case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
        case .silu: x * logistic(x)
        case .tanh: Glibc.tanh(x)
        case .sigmoid: logistic(x)
        case .softplus: max(0, x) + log1p(exp(-abs(x)))
        }
    }

    /// f′ from the input or the output, as `derivativeSource` says.
    func derivative(_ s: Double) -> Double {
        switch self {
        case .identity: 1
        case .relu: s > 0 ? 1 : 0
        case .leakyReLU(let slope): s > 0 ? 1 : Double(slope)
        case .elu(let alpha): s > 0 ? 1 : s + Double(alpha)
        case .gelu: 0.5 * erfc(-s / 2.0.squareRoot()) + s * exp(-s * s / 2) / (2 * Double.pi).squareRoot()
        case .silu: logistic(s) * (1 + s * (1 - logistic(s)))
        case .tanh: 1 - s * s
        case .sigmoid: s * (1 - s)
        case .softplus: -expm1(-s)
        }
    }
}

func logistic(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }

/// baseⁿ.
func power(_ base: Double, _ exponent: Int) -> Double { pow(base, Double(exponent)) }

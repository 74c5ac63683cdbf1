import Glibc

extension StepContext {
    /// y = f(x).
    func activate(_ inputs: [[Double]], _ activation: Activation) -> [[Double]] {
        var y = zeros(0)
        for i in 0..<images * outputShape(0).count { y[i] = activation.value(inputs[0][i]) }
        return [y]
    }

    /// dx = dy·f′, from x or y as `Activation.derivativeSource` says.
    func activateBackward(_ inputs: [[Double]], _ activation: Activation) -> [[Double]] {
        let (dy, source) = (inputs[0], inputs[1])
        var dx = zeros(0)
        for i in 0..<images * outputShape(0).count { dx[i] = dy[i] * activation.derivative(from: source[i]) }
        return [dx]
    }

    /// y = a + b; also for tensors without a batch axis, as sums of parameters' gradients are.
    func add(_ inputs: [[Double]]) -> [[Double]] {
        var y = zeros(0)
        for i in 0..<program[step.outputs[0]].elementCount(images: values.imageCount) {
            y[i] = inputs[0][i] + inputs[1][i]
        }
        return [y]
    }

    /// Dropout, or its derivative: both multiply by mask/(1 − rate).
    ///
    /// Element e of image i is kept where the uniform number layer·2⁴⁸ + `firstElement(i)` + e of the stream
    /// (seed, dropout, step) is at least `rate`.
    func dropout(_ inputs: [[Double]], _ rate: Float, _ layer: UInt32) -> [[Double]] {
        let stream = RandomStream(seed: values.seed, purpose: .dropout, step: values.step)
        let count = outputShape(0).count
        var y = zeros(0)
        for n in 0..<images {
            let first = UInt64(layer) << 48 + RandomStream.firstElement(image: imageIndices[n], count: count)
            for element in 0..<count where stream.uniform(first + UInt64(element)) >= rate {
                y[n * count + element] = inputs[0][n * count + element] / (1 - Double(rate))
            }
        }
        return [y]
    }
}

extension Activation {
    /// f(x).
    fileprivate func value(_ x: Double) -> Double {
        switch self {
        case .identity: x
        case .relu: max(0, x)
        case .leakyReLU(let slope): x > 0 ? x : Double(slope) * x
        case .elu(let alpha): x > 0 ? x : Double(alpha) * expm1(x)
        case .gelu: x * normalDistribution(x)
        case .silu: x * logistic(x)
        case .tanh: Glibc.tanh(x)
        case .sigmoid: logistic(x)
        case .softplus: max(0, x) + log1p(exp(-abs(x)))
        }
    }

    /// f′, from the input or the output as `derivativeSource` says.
    fileprivate func derivative(from source: Double) -> Double {
        switch self {
        case .identity: 1
        case .relu: source > 0 ? 1 : 0
        case .leakyReLU(let slope): source > 0 ? 1 : Double(slope)
        case .elu(let alpha): source > 0 ? 1 : source + Double(alpha)
        case .gelu: normalDistribution(source) + source * exp(-0.5 * source * source) / (2 * Double.pi).squareRoot()
        case .silu: logistic(source) * (1 + source * (1 - logistic(source)))
        case .tanh: 1 - source * source
        case .sigmoid: source * (1 - source)
        case .softplus: -expm1(-source)
        }
    }
}

/// 1/(1 + e⁻ˣ), without overflow.
func logistic(_ x: Double) -> Double {
    let e = exp(-abs(x))
    return x >= 0 ? 1 / (1 + e) : e / (1 + e)
}

/// Φ(x), the standard normal distribution function.
private func normalDistribution(_ x: Double) -> Double {
    0.5 * erfc(-x / 2.0.squareRoot())
}

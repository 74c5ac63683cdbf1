/// The index arithmetic that all passes of a convolution share.
///
/// A convolution relates x `[C, H, W]` and y `[O, H', W']` by y[o, r, q] = Σ W[o, c, i, j]·x[c, r·s − p + i, q·s − p + j].
/// Its derivatives are sums over the same triples (weight, x, y), and a transposed convolution is one of those derivatives.
private struct ConvolutionTriples {
    let x: Shape
    let y: Shape
    let window: Window
    let images: Int

    /// Calls `body` with every run of triples: one weight, `count` elements of y from index `y` on, and as many of x from
    /// index `x` on in steps of the horizontal stride.
    @inline(__always)
    func forEachRun(_ body: (_ weight: Int, _ x: Int, _ y: Int, _ count: Int) -> Void) {
        let (kernel, stride, padding) = (window.kernel, window.stride, window.padding)
        for n in 0..<images {
            for o in 0..<y.channels {
                for c in 0..<x.channels {
                    for i in 0..<kernel.height {
                        for j in 0..<kernel.width {
                            let weight = ((o * x.channels + c) * kernel.height + i) * kernel.width + j
                            // Columns q with 0 ≤ q·stride − padding + j < W.
                            let first = max(0, (padding.width - j + stride.width - 1) / stride.width)
                            let reach = x.width - 1 + padding.width - j
                            let last = reach < 0 ? -1 : min(y.width - 1, reach / stride.width)
                            guard first <= last else { continue }
                            for r in 0..<y.height {
                                let row = r * stride.height - padding.height + i
                                guard row >= 0, row < x.height else { continue }
                                let column = first * stride.width - padding.width + j
                                body(
                                    weight, ((n * x.channels + c) * x.height + row) * x.width + column,
                                    ((n * y.channels + o) * y.height + r) * y.width + first, last - first + 1)
                            }
                        }
                    }
                }
            }
        }
    }

    /// y += W ∗ x.
    func addY(_ y: inout [Double], x: [Double], weight: [Double]) {
        let stride = window.stride.width
        forEachRun { w, from, to, count in
            for k in 0..<count { y[to + k] += weight[w] * x[from + k * stride] }
        }
    }

    /// x += Wᵀ ∗ y.
    func addX(_ x: inout [Double], y: [Double], weight: [Double]) {
        let stride = window.stride.width
        forEachRun { w, to, from, count in
            for k in 0..<count { x[to + k * stride] += weight[w] * y[from + k] }
        }
    }

    /// W += the products of x and y that W weighs.
    func addWeight(_ weight: inout [Double], x: [Double], y: [Double]) {
        let stride = window.stride.width
        forEachRun { w, first, second, count in
            var sum = 0.0
            for k in 0..<count { sum += x[first + k * stride] * y[second + k] }
            weight[w] += sum
        }
    }
}

extension StepContext {
    /// PyTorch's `conv2d` and its derivatives.
    func convolution(_ inputs: [[Double]], _ window: Window) -> [[Double]] {
        func triples(x: Shape, y: Shape) -> ConvolutionTriples {
            ConvolutionTriples(x: x, y: y, window: window, images: images)
        }
        var result = zeros(0)
        switch step.pass {
        case .forward:
            if inputs.count > 2 { addBias(inputs[2], to: &result, outputShape(0)) }
            triples(x: inputShape(0), y: outputShape(0)).addY(&result, x: inputs[0], weight: inputs[1])
            return [result]
        case .backwardData:
            triples(x: outputShape(0), y: inputShape(0)).addX(&result, y: inputs[0], weight: inputs[1])
            return [result]
        case .backwardWeights:
            triples(x: inputShape(0), y: inputShape(1)).addWeight(&result, x: inputs[0], y: inputs[1])
            return step.outputs.count > 1 ? [result, channelSums(inputs[1], inputShape(1))] : [result]
        }
    }

    /// PyTorch's `conv_transpose2d` and its derivatives: a convolution with the roles of input and output exchanged.
    func transposedConvolution(_ inputs: [[Double]], _ window: Window) -> [[Double]] {
        func triples(x: Shape, y: Shape) -> ConvolutionTriples {
            ConvolutionTriples(x: x, y: y, window: window, images: images)
        }
        var result = zeros(0)
        switch step.pass {
        case .forward:
            if inputs.count > 2 { addBias(inputs[2], to: &result, outputShape(0)) }
            triples(x: outputShape(0), y: inputShape(0)).addX(&result, y: inputs[0], weight: inputs[1])
            return [result]
        case .backwardData:
            triples(x: inputShape(0), y: outputShape(0)).addY(&result, x: inputs[0], weight: inputs[1])
            return [result]
        case .backwardWeights:
            triples(x: inputShape(1), y: inputShape(0)).addWeight(&result, x: inputs[1], y: inputs[0])
            return step.outputs.count > 1 ? [result, channelSums(inputs[1], inputShape(1))] : [result]
        }
    }

    private func addBias(_ bias: [Double], to y: inout [Double], _ shape: Shape) {
        for n in 0..<images {
            for c in 0..<shape.channels {
                for place in 0..<shape.area { y[(n * shape.channels + c) * shape.area + place] += bias[c] }
            }
        }
    }

    /// Sums over images and places, per channel.
    private func channelSums(_ dy: [Double], _ shape: Shape) -> [Double] {
        var sums = [Double](repeating: 0, count: shape.channels)
        for n in 0..<images {
            for c in 0..<shape.channels {
                for place in 0..<shape.area { sums[c] += dy[(n * shape.channels + c) * shape.area + place] }
            }
        }
        return sums
    }
}

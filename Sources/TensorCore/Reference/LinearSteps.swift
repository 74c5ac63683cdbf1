extension StepContext {
    /// y[n, o] = Σ_i W[o, i]·x[n, i] + b[o], and its derivatives.
    func linear(_ inputs: [[Double]]) -> [[Double]] {
        switch step.pass {
        case .forward:
            return [linearForward(inputs[0], weight: inputs[1], bias: inputs.count > 2 ? inputs[2] : nil)]
        case .backwardData:
            return [linearBackwardData(dy: inputs[0], weight: inputs[1])]
        case .backwardWeights:
            return linearBackwardWeights(x: inputs[0], dy: inputs[1])
        }
    }

    private func linearForward(_ x: [Double], weight: [Double], bias: [Double]?) -> [Double] {
        let (width, height) = (inputShape(0).count, outputShape(0).count)
        var y = zeros(0)
        for n in 0..<images {
            for o in 0..<height {
                var sum = bias?[o] ?? 0
                for i in 0..<width { sum += weight[o * width + i] * x[n * width + i] }
                y[n * height + o] = sum
            }
        }
        return y
    }

    /// dx[n, i] = Σ_o dy[n, o]·W[o, i].
    private func linearBackwardData(dy: [Double], weight: [Double]) -> [Double] {
        let (width, height) = (outputShape(0).count, inputShape(0).count)
        var dx = zeros(0)
        for n in 0..<images {
            for o in 0..<height {
                let gradient = dy[n * height + o]
                for i in 0..<width { dx[n * width + i] += gradient * weight[o * width + i] }
            }
        }
        return dx
    }

    /// dW[o, i] = Σ_n dy[n, o]·x[n, i] and db[o] = Σ_n dy[n, o].
    private func linearBackwardWeights(x: [Double], dy: [Double]) -> [[Double]] {
        let (width, height) = (inputShape(0).count, inputShape(1).count)
        var dWeight = zeros(0)
        var dBias = [Double](repeating: 0, count: height)
        for n in 0..<images {
            for o in 0..<height {
                let gradient = dy[n * height + o]
                dBias[o] += gradient
                for i in 0..<width { dWeight[o * width + i] += gradient * x[n * width + i] }
            }
        }
        return step.outputs.count > 1 ? [dWeight, dBias] : [dWeight]
    }
}

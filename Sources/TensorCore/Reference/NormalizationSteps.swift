/// The arithmetic that batch and group normalisation share: a set of elements is normalised by its own mean and deviation,
/// and each element belongs to a channel with a scale γ and a shift β.
private struct Normalization {
    /// Indices of the elements of the set.
    var members: [Int]
    /// The channel of each of them.
    var channels: [Int]

    /// Mean and sum of squared deviations.
    func statistics(_ x: [Double]) -> (mean: Double, squares: Double) {
        let mean = members.reduce(0) { $0 + x[$1] } / Double(members.count)
        return (mean, members.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) })
    }

    /// y = γ·(x − mean)·inverse + β.
    func apply(_ y: inout [Double], x: [Double], scale: [Double], shift: [Double], mean: Double, inverse: Double) {
        for (i, c) in zip(members, channels) { y[i] = scale[c] * (x[i] - mean) * inverse + shift[c] }
    }

    /// With x̂ = (x − mean)·inverse and g = γ·dy: dx = inverse·(g − mean(g) − x̂·mean(g·x̂)), dγ += dy·x̂, dβ += dy.
    func addBackward(
        _ dy: [Double], x: [Double], scale: [Double], mean: Double, inverse: Double, dx: inout [Double],
        dScale: inout [Double], dShift: inout [Double]
    ) {
        var sum = 0.0
        var product = 0.0
        for (i, c) in zip(members, channels) {
            let normalized = (x[i] - mean) * inverse
            sum += scale[c] * dy[i]
            product += scale[c] * dy[i] * normalized
            dScale[c] += dy[i] * normalized
            dShift[c] += dy[i]
        }
        let count = Double(members.count)
        for (i, c) in zip(members, channels) {
            let normalized = (x[i] - mean) * inverse
            dx[i] = inverse * (scale[c] * dy[i] - sum / count - normalized * product / count)
        }
    }
}

extension StepContext {
    /// The elements of one channel in all images that count.
    private func channel(_ c: Int, _ shape: Shape) -> Normalization {
        let members = (0..<images).flatMap { n in
            (0..<shape.area).map { (n * shape.channels + c) * shape.area + $0 }
        }
        return Normalization(members: members, channels: members.map { _ in c })
    }

    /// The elements of one group of channels in one image.
    private func group(_ g: Int, of groups: Int, image n: Int, _ shape: Shape) -> Normalization {
        let width = shape.channels / groups
        let channels = (g * width..<(g + 1) * width).flatMap { [Int](repeating: $0, count: shape.area) }
        let first = (n * shape.channels + g * width) * shape.area
        return Normalization(members: Array(first..<first + width * shape.area), channels: channels)
    }

    /// `[x, γ, β, runningMean, runningVariance] → [y, mean, inverseDeviation, runningMean, runningVariance]`.
    func batchNorm(_ inputs: [[Double]], _ epsilon: Double, _ momentum: Double) -> [[Double]] {
        let shape = inputShape(0)
        var (y, means, inverses) = (zeros(0), zeros(1), zeros(2))
        var (runningMean, runningVariance) = (inputs[3], inputs[4])
        for c in 0..<shape.channels {
            let set = channel(c, shape)
            let (mean, squares) = set.statistics(inputs[0])
            let count = Double(set.members.count)
            means[c] = mean
            inverses[c] = 1 / (squares / count + epsilon).squareRoot()
            let unbiased = squares / max(1, count - 1)
            runningMean[c] = (1 - momentum) * runningMean[c] + momentum * mean
            runningVariance[c] = (1 - momentum) * runningVariance[c] + momentum * unbiased
            set.apply(&y, x: inputs[0], scale: inputs[1], shift: inputs[2], mean: mean, inverse: inverses[c])
        }
        return [y, means, inverses, runningMean, runningVariance]
    }

    /// `[dy, x, γ, mean, inverseDeviation] → [dx, dγ, dβ]`.
    func batchNormBackward(_ inputs: [[Double]]) -> [[Double]] {
        let shape = inputShape(0)
        var (dx, dScale, dShift) = (zeros(0), zeros(1), zeros(2))
        for c in 0..<shape.channels {
            channel(c, shape).addBackward(
                inputs[0], x: inputs[1], scale: inputs[2], mean: inputs[3][c], inverse: inputs[4][c], dx: &dx,
                dScale: &dScale, dShift: &dShift)
        }
        return [dx, dScale, dShift]
    }

    /// `[x, γ, β, runningMean, runningVariance] → [y]`.
    func batchNormEvaluation(_ inputs: [[Double]], _ epsilon: Double) -> [[Double]] {
        let shape = inputShape(0)
        var y = zeros(0)
        for c in 0..<shape.channels {
            channel(c, shape).apply(
                &y, x: inputs[0], scale: inputs[1], shift: inputs[2], mean: inputs[3][c],
                inverse: 1 / (inputs[4][c] + epsilon).squareRoot())
        }
        return [y]
    }

    /// `[dy, x, γ, runningMean, runningVariance] → [dx, dγ, dβ]`: the running statistics are constants.
    func batchNormEvaluationBackward(_ inputs: [[Double]], _ epsilon: Double) -> [[Double]] {
        let shape = inputShape(0)
        let (dy, x) = (inputs[0], inputs[1])
        var (dx, dScale, dShift) = (zeros(0), zeros(1), zeros(2))
        for c in 0..<shape.channels {
            let inverse = 1 / (inputs[4][c] + epsilon).squareRoot()
            for i in channel(c, shape).members {
                dx[i] = inputs[2][c] * inverse * dy[i]
                dScale[c] += dy[i] * (x[i] - inputs[3][c]) * inverse
                dShift[c] += dy[i]
            }
        }
        return [dx, dScale, dShift]
    }

    /// `[x, γ, β] → [y, mean, inverseDeviation]`.
    func groupNorm(_ inputs: [[Double]], _ groups: Int, _ epsilon: Double) -> [[Double]] {
        let shape = inputShape(0)
        var (y, means, inverses) = (zeros(0), zeros(1), zeros(2))
        for n in 0..<images {
            for g in 0..<groups {
                let set = group(g, of: groups, image: n, shape)
                let (mean, squares) = set.statistics(inputs[0])
                let inverse = 1 / (squares / Double(set.members.count) + epsilon).squareRoot()
                means[n * groups + g] = mean
                inverses[n * groups + g] = inverse
                set.apply(&y, x: inputs[0], scale: inputs[1], shift: inputs[2], mean: mean, inverse: inverse)
            }
        }
        return [y, means, inverses]
    }

    /// `[dy, x, γ, mean, inverseDeviation] → [dx, dγ, dβ]`.
    func groupNormBackward(_ inputs: [[Double]], _ groups: Int) -> [[Double]] {
        let shape = inputShape(0)
        var (dx, dScale, dShift) = (zeros(0), zeros(1), zeros(2))
        for n in 0..<images {
            for g in 0..<groups {
                group(g, of: groups, image: n, shape).addBackward(
                    inputs[0], x: inputs[1], scale: inputs[2], mean: inputs[3][n * groups + g],
                    inverse: inputs[4][n * groups + g], dx: &dx, dScale: &dScale, dShift: &dShift)
            }
        }
        return [dx, dScale, dShift]
    }
}

import RealModule
import TensorCore

/// Codes of the batch with each dimension permuted by itself: `[D]` → `[D]`. Row n of dimension d gets row π_d(n), π_d being the
/// permutation of `RandomStream.permutation` with the stream (seed, permutation, step) and elements from d·2³². No gradient.
struct PermutedDimensions: CustomOperation {
    var name: String { "permute_dimensions" }
    var formula: String? { "y_nd = x_π(n)d, a permutation π of the batch for each dimension d" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape.rank == 1, inputs[0].rows == .images else {
            throw ZooError("permute_dimensions: needs a vector for each image", code: .mismatch)
        }
        return inputs[0]
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (count, size) = (t.imageCount, t.rowSize(0))
        let stream = RandomStream(seed: t.values.seed, purpose: .permutation, step: t.values.step)
        for d in 0..<size {
            for n in 0..<count { t.output[n * size + d] = t.inputs[0][n * size + d] }
            for last in stride(from: count - 1, to: 0, by: -1) {
                let other = stream.integer(UInt64(d) << 32 + UInt64(last), below: last + 1)
                t.output.swapAt(last * size + d, other * size + d)
            }
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {}
}

/// The first logit less the second: `[2]` → `[]`.
struct LogitDifference: CustomOperation {
    var name: String { "logit_difference" }
    var formula: String? { "y = x_1 − x_2" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape == [2] else {
            throw ZooError("logit_difference: needs two logits", code: .mismatch)
        }
        return TensorType([], inputs[0].rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for n in 0..<t.outputRowCount { t.output[n] = t.inputs[0][2 * n] - t.inputs[0][2 * n + 1] }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for n in 0..<t.outputRowCount {
            t.inputGradients[0]?[2 * n] += t.outputGradient[n]
            t.inputGradients[0]?[2 * n + 1] -= t.outputGradient[n]
        }
    }
}

/// −log softmax(x)_target in nats: logits `[C]` → `[]`.
struct CrossEntropy: CustomOperation {
    let target: Int

    var name: String { "cross_entropy" }
    var formula: String? { "y = log Σ exp x − x_\(target + 1)" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape.rank == 1, target < inputs[0].shape.count else {
            throw ZooError("cross_entropy: needs more than \(target) logits", code: .mismatch)
        }
        return TensorType([], inputs[0].rows)
    }

    private func logSumExp<Element: RealNumber>(_ n: Int, _ t: OperationTensors<Element>) -> Element {
        let size = t.rowSize(0)
        var most = t.inputs[0][n * size]
        for i in n * size..<(n + 1) * size { most = max(most, t.inputs[0][i]) }
        var sum: Element = 0
        for i in n * size..<(n + 1) * size { sum += .exp(t.inputs[0][i] - most) }
        return most + .log(sum)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        for n in 0..<t.outputRowCount { t.output[n] = logSumExp(n, t) - t.inputs[0][n * size + target] }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        for n in 0..<t.outputRowCount {
            let total = logSumExp(n, t)
            for c in 0..<size {
                let probability = Element.exp(t.inputs[0][n * size + c] - total)
                t.inputGradients[0]?[n * size + c] += t.outputGradient[n] * (probability - (c == target ? 1 : 0))
            }
        }
    }
}

/// −log sigmoid(x), or −log(1 − sigmoid(x)), in nats: a logit `[1]` → `[]`.
struct LogisticLoss: CustomOperation {
    let isPositive: Bool

    var name: String { "logistic_loss" }
    var formula: String? { isPositive ? "y = log(1 + e⁻ˣ)" : "y = log(1 + eˣ)" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape == [1] else {
            throw ZooError("logistic_loss: needs one logit", code: .mismatch)
        }
        return TensorType([], inputs[0].rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for n in 0..<t.outputRowCount {
            let x = isPositive ? -t.inputs[0][n] : t.inputs[0][n]
            t.output[n] = max(0, x) + .log(onePlus: .exp(-abs(x)))
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for n in 0..<t.outputRowCount {
            let x = isPositive ? -t.inputs[0][n] : t.inputs[0][n]
            let e = Element.exp(-abs(x))
            let slope = x >= 0 ? 1 / (1 + e) : e / (1 + e)
            t.inputGradients[0]?[n] += t.outputGradient[n] * (isPositive ? -slope : slope)
        }
    }
}

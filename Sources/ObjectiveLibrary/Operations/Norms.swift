import RealModule
import TensorCore

/// c·Σ x² over the elements of a row, or of a parameter → `[]`.
struct SquaredNorm: CustomOperation {
    /// c.
    let factor: Float

    var name: String { "squared_norm" }
    var formula: String? { "y = \(factor.factor)Σ x²" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1 else { throw ZooError("squared_norm: needs one tensor", code: .mismatch) }
        return TensorType([], inputs[0].rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        for n in 0..<t.outputRowCount {
            var sum = 0.0
            for i in n * size..<(n + 1) * size { sum += Double(t.inputs[0][i]) * Double(t.inputs[0][i]) }
            t.output[n] = Element(factor) * Element(sum)
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let size = t.rowSize(0)
        for n in 0..<t.outputRowCount {
            let share = 2 * Element(factor) * t.outputGradient[n]
            for i in n * size..<(n + 1) * size { gradient[i] += share * t.inputs[0][i] }
        }
    }
}

/// Σ_d KL(Bernoulli(ρ) ‖ Bernoulli(ρ̂_d)), ρ̂_d being the mean over the batch: codes `[D]` between 0 and 1 → `[]`, in nats.
struct BernoulliDivergence: CustomOperation {
    /// ρ.
    let target: Float

    var name: String { "bernoulli_divergence" }
    var formula: String? { "y = Σ ρ·log(ρ/ρ̂) + (1 − ρ)·log((1 − ρ)/(1 − ρ̂)), ρ = \(target.plain), ρ̂ the mean of x" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape.rank == 1, inputs[0].rows == .images else {
            throw ZooError("bernoulli_divergence: needs a vector for each image", code: .mismatch)
        }
        return TensorType([], .one)
    }

    private func mean<Element: RealNumber>(_ d: Int, _ t: OperationTensors<Element>) -> Element {
        var sum: Element = 0
        for n in 0..<t.imageCount { sum += t.inputs[0][n * t.rowSize(0) + d] }
        return sum / Element(t.imageCount)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let target = Element(target)
        for d in 0..<t.rowSize(0) {
            let mean = mean(d, t)
            t.output[0] += target * .log(target / mean) + (1 - target) * .log((1 - target) / (1 - mean))
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let (target, size) = (Element(target), t.rowSize(0))
        for d in 0..<size {
            let mean = mean(d, t)
            let slope = (1 - target) / (1 - mean) - target / mean
            let share = t.outputGradient[0] * slope / Element(t.imageCount)
            for n in 0..<t.imageCount { gradient[n * size + d] += share }
        }
    }
}

import RealModule
import TensorCore

// Operations on tensors of shape [], one number for each row.

/// Σ_i c_i·x_i of tensors of one shape.
package struct WeightedSum: CustomOperation {
    let coefficients: [Float]

    package init(_ coefficients: [Float]) { self.coefficients = coefficients }

    package var name: String { "weighted_sum" }

    package var formula: String? {
        "y = " + coefficients.enumerated().map { "\($1.factor)x\($0 + 1)" }.joined(separator: " + ")
    }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        guard let first = inputs.first, inputs.count == coefficients.count, inputs.allSatisfy({ $0 == first }) else {
            throw ZooError("weighted_sum: needs \(coefficients.count) tensors of one shape", code: .mismatch)
        }
        return first
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for (coefficient, input) in zip(coefficients, t.inputs) {
            for i in t.output.indices { t.output[i] += Element(coefficient) * input[i] }
        }
    }

    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for (coefficient, gradient) in zip(coefficients, t.inputGradients) {
            guard let gradient else { continue }
            for i in gradient.indices { gradient[i] += Element(coefficient) * t.outputGradient[i] }
        }
    }
}

/// The mean over the rows that count: batched `[]` → `[]`.
struct BatchMean: CustomOperation {
    var name: String { "batch_mean" }
    var formula: String? { "y = the mean of x over the batch" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape.rank == 0, inputs[0].rows == .images else {
            throw ZooError("batch_mean: needs one number for each image", code: .mismatch)
        }
        return TensorType([], .one)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        var sum = 0.0
        for i in 0..<t.imageCount { sum += Double(t.inputs[0][i]) }
        t.output[0] = Element(sum / Double(t.imageCount))
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let share = t.outputGradient[0] * (1 / Element(t.imageCount))
        for i in 0..<t.imageCount { gradient[i] += share }
    }
}

/// |x − c| of a number of the whole batch.
struct AbsoluteDistance: CustomOperation {
    enum Center: Sendable {
        case constant(Float)
        case scheduled(ScheduleSlot)
    }

    let center: Center

    init(from center: Center) { self.center = center }

    var name: String { "absolute_distance" }
    var formula: String? { "y = |x − C|" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs == [TensorType([], .one)] else {
            throw ZooError("absolute_distance: needs one number of the whole batch", code: .mismatch)
        }
        return inputs[0]
    }

    private func difference<Element: RealNumber>(_ t: OperationTensors<Element>) -> Element {
        switch center {
        case .constant(let value): t.inputs[0][0] - Element(value)
        case .scheduled(let slot): t.inputs[0][0] - Element(t.values[slot])
        }
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) { t.output[0] = abs(difference(t)) }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let difference = difference(t)
        let sign: Element = difference > 0 ? 1 : difference < 0 ? -1 : 0
        t.inputGradients[0]?[0] += sign * t.outputGradient[0]
    }
}

/// Σ_d max(λ, x_d) of a number per dimension of the whole batch: `[D]` → `[]`.
struct FreeBits: CustomOperation {
    let nats: Float

    var name: String { "free_bits" }
    var formula: String? { "y = Σ max(\(nats.plain), x_d)" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].rows == .one else {
            throw ZooError("free_bits: needs one number per dimension of the whole batch", code: .mismatch)
        }
        return TensorType([], .one)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        t.output[0] = t.inputs[0].reduce(0) { $0 + max(Element(nats), $1) }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        for i in gradient.indices where t.inputs[0][i] > Element(nats) { gradient[i] += t.outputGradient[0] }
    }
}

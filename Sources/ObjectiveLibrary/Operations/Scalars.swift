import RealModule
import TensorCore

// Operations on tensors of shape [], one number for each row.

/// Σ_i c_i·x_i of tensors of one shape; one with fewer rows than the others counts for each of theirs.
package struct WeightedSum: CustomOperation {
    let coefficients: [Float]

    package init(_ coefficients: [Float]) { self.coefficients = coefficients }

    package var name: String { "weighted_sum" }

    package var formula: String? {
        "y = " + coefficients.enumerated().map { "\($1.factor)x\($0 + 1)" }.joined(separator: " + ")
    }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        let most = inputs.max { $0.rows.count(images: 1) < $1.rows.count(images: 1) }
        guard let most, inputs.count == coefficients.count,
            inputs.allSatisfy({ $0.shape == most.shape && most.rows.isMultiple(of: $0.rows) })
        else { throw ZooError("weighted_sum: needs \(coefficients.count) tensors of one shape", code: .mismatch) }
        return most
    }

    /// Calls `body` with an element of the output and that of an input which it has a share in.
    private func forEach<Element: RealNumber>(_ input: Int, _ t: OperationTensors<Element>, _ body: (Int, Int) -> Void)
    {
        let (size, repeats) = (t.rowSize(input), t.repeats(input))
        for i in 0..<t.outputRowCount * size { body(i, repeats == 1 ? i : i / size / repeats * size + i % size) }
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for (input, coefficient) in coefficients.enumerated() {
            forEach(input, t) { t.output[$0] += Element(coefficient) * t.inputs[input][$1] }
        }
    }

    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for (input, coefficient) in coefficients.enumerated() {
            guard let gradient = t.inputGradients[input] else { continue }
            forEach(input, t) { gradient[$1] += Element(coefficient) * t.outputGradient[$0] }
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

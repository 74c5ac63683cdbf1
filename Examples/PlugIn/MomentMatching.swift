import LayerLibrary
import ObjectiveLibrary
import TensorCore

/// λ·Σ_d m_d² + (v_d − 1)² with m_d and v_d the mean and variance of dimension d over the codes of a batch: codes that have the
/// first two moments of the prior N(0, I).
struct MomentMatching: Regularizer {
    /// λ.
    var weight: Float

    var kind: String { "moment_matching" }
    var fields: [String: FieldValue] { ["weight": .number(weight.decimal)] }
    var formula: String { "\(weight)·Σ m² + (v − 1)²" }
    // A variance needs two codes.
    var smallestBatch: Int { 2 }

    func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let distance = try builder.custom(MomentDistance(), [model.code])
        try builder.term("moment_matching", distance, weight: .constant(weight))
    }

    /// What definitions know.
    static let descriptor = RegularizerDescriptor(
        kind: "moment_matching", summary: "Codes with the mean and the variance of the prior.", source: "this example",
        fields: [FieldSchema("weight", .number(0...1e6), "λ.")]
    ) { MomentMatching(weight: $0.number("weight")) }
}

/// Σ_d m_d² + (v_d − 1)² over the batch: codes `[D]` → a number of the whole batch.
struct MomentDistance: CustomOperation {
    var name: String { "moment_distance" }
    var formula: String? { "y = Σ m² + (v − 1)², m and v over the batch" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape.rank == 1 else {
            throw ZooError("moment_distance: needs codes [D], but gets \(inputs)")
        }
        return TensorType([], .one)
    }

    func forward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        for d in 0..<tensors.rowSize(0) {
            let (mean, variance) = moments(d, tensors)
            tensors.output[0] += mean * mean + (variance - 1) * (variance - 1)
        }
    }

    func backward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        let (count, size) = (tensors.rowCount(0), tensors.rowSize(0))
        for d in 0..<size {
            let (mean, variance) = moments(d, tensors)
            for n in 0..<count {
                let deviation = tensors.inputs[0][n * size + d] - mean
                let slope = 2 * mean + 4 * (variance - 1) * deviation
                tensors.inputGradients[0]?[n * size + d] += tensors.outputGradient[0] * slope / Element(count)
            }
        }
    }

    private func moments<Element: RealNumber>(_ d: Int, _ tensors: OperationTensors<Element>) -> (Element, Element) {
        let (count, size) = (tensors.rowCount(0), tensors.rowSize(0))
        var (sum, squares): (Element, Element) = (0, 0)
        for n in 0..<count { sum += tensors.inputs[0][n * size + d] }
        let mean = sum / Element(count)
        for n in 0..<count {
            let deviation = tensors.inputs[0][n * size + d] - mean
            squares += deviation * deviation
        }
        return (mean, squares / Element(count))
    }
}

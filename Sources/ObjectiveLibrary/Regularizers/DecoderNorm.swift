import LayerLibrary
import TensorCore

/// λ·‖θ‖² of all weights and biases of the decoder: the RAE-L2 (Ghosh and others 2020, equation 9).
public struct DecoderNorm: Regularizer, Equatable {
    public var weight: Float

    public init(weight: Float) { self.weight = weight }

    public var kind: String { "decoder_norm" }
    public var fields: [String: FieldValue] { ["weight": .number(weight.decimal)] }
    public var formula: String { "\(weight.factor)‖decoder‖²" }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let parameters = builder.program.parameters.filter { builder.program[$0].name.hasPrefix("decoder.") }
        guard !parameters.isEmpty else {
            throw ZooError(
                "objective.decoder_norm: the decoder has no parameters", code: .mismatch,
                subject: .field("objective.decoder_norm"))
        }
        let norms = try parameters.map { try builder.custom(SquaredNorm(factor: 1), [$0]) }
        let sum = try builder.custom(WeightedSum([Float](repeating: 1, count: norms.count)), norms)
        try builder.term("decoder_norm", sum, weight: .constant(weight))
    }

    static let descriptor = RegularizerDescriptor(
        kind: "decoder_norm", summary: "λ·‖θ‖² of the decoder's weights and biases.",
        source: "Ghosh and others 2020, eq. 9", fields: [CommonFields.weight("λ.")]
    ) { DecoderNorm(weight: $0.number("weight")) }
}

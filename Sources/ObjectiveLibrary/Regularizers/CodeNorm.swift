import LayerLibrary
import TensorCore

/// λ·½‖z‖²: with a norm of the decoder's weights, what holds the codes of a regularised autoencoder (Ghosh and others 2020, equation 5).
public struct CodeNorm: Regularizer, Equatable {
    public var weight: Float

    public init(weight: Float) { self.weight = weight }

    public var kind: String { "code_norm" }
    public var fields: [String: FieldValue] { ["weight": .number(weight.decimal)] }
    public var formula: String { "\(weight.factor)½‖z‖²" }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let norm = try builder.custom(SquaredNorm(factor: 0.5), [model.code])
        try builder.term("code_norm", norm, weight: .constant(weight))
    }

    static let descriptor = RegularizerDescriptor(
        kind: "code_norm", summary: "λ·½‖z‖².", source: "Ghosh and others 2020, eq. 5",
        fields: [CommonFields.weight("λ.")]
    ) { CodeNorm(weight: $0.number("weight")) }
}

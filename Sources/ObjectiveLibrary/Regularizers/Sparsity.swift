import LayerLibrary
import TensorCore

/// λ·Σ_d KL(Bernoulli(ρ) ‖ Bernoulli(ρ̂_d)) with ρ̂_d the mean of dimension d over the batch, of codes between 0 and 1: the sparse
/// autoencoder (Ng 2011, CS294A lecture notes, section 3; Lee, Ekanadham and Ng 2008).
public struct Sparsity: Regularizer, Equatable {
    public var weight: Float
    /// ρ.
    public var target: Float

    public init(weight: Float, target: Float) {
        self.weight = weight
        self.target = target
    }

    public var kind: String { "sparsity" }

    public var fields: [String: FieldValue] {
        ["weight": .number(weight.decimal), "target": .number(target.decimal)]
    }

    public var formula: String { "\(weight.factor)Σ KL(\(target.plain) ‖ mean z)" }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let origin = builder.program.steps.first { $0.outputs.contains(model.code) }?.operation
        guard case .activation(.sigmoid)? = origin else {
            throw ZooError(
                "objective.sparsity: needs codes between 0 and 1, and nothing keeps them there",
                advice: "give the code a sigmoid: latent: {code: {code: {activation: sigmoid}}}", code: .mismatch,
                subject: .field("objective.sparsity"))
        }
        let sparsity = try builder.custom(BernoulliDivergence(target: target), [model.code])
        try builder.term("sparsity", sparsity, weight: .constant(weight))
    }

    static let descriptor = RegularizerDescriptor(
        kind: "sparsity", summary: "λ·Σ_d KL(ρ ‖ mean z_d) of codes between 0 and 1, which a sigmoid gives.",
        source: "Ng 2011, section 3",
        fields: [
            CommonFields.weight("λ."),
            FieldSchema(
                "target", .number(1e-4...0.9999), default: .number(0.05),
                "ρ, how active a dimension should be."),
        ]
    ) { Sparsity(weight: $0.number("weight"), target: $0.number("target")) }
}

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

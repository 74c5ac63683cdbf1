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

    public var dependsOnBatch: Bool { true }

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

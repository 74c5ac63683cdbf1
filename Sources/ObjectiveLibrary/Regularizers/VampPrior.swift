import LayerLibrary
import TensorCore

/// log q(z|x) − log 1/K Σ_k q(z|u_k): the KL divergence, by one draw for each image, from the mixture of the posteriors of K
/// pseudo-inputs u_k that are learned with the model (Tomczak and Welling 2018, equation 9): the VAE with a VampPrior.
public struct VampPrior: Regularizer, Equatable {
    /// K.
    public var pseudoInputs: Int
    public var weight: Float
    /// Steps over which the weight rises linearly from 0.
    public var warmupSteps: Int

    public init(pseudoInputs: Int, weight: Float = 1, warmupSteps: Int = 0) {
        self.pseudoInputs = pseudoInputs
        self.weight = weight
        self.warmupSteps = warmupSteps
    }

    public var kind: String { "vamp_prior" }

    public var fields: [String: FieldValue] {
        [
            "pseudo_inputs": .integer(pseudoInputs), "weight": .number(weight.decimal),
            "warmup_steps": .integer(warmupSteps),
        ]
    }

    public var formula: String { "\(weight.factor)KL(q(z|x) ‖ mean of q(z|u) over \(pseudoInputs) pseudo-inputs u)" }

    public var needsSingleLatent: Bool { true }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let posterior = try model.requirePosterior(for: self)
        let conditional = try builder.custom(
            GaussianLogDensity(), [model.code, posterior.mean, posterior.logVariance])
        let prior = try mixture(model, &builder)
        let divergence = try builder.custom(WeightedSum([1, -1]), [conditional, prior])
        try builder.term(
            "kl_to_vamp_prior", divergence,
            weight: LinearSchedule(from: warmupSteps > 0 ? 0 : weight, to: weight, over: warmupSteps),
            weightName: "kl_weight")
    }

    public func logPrior(_ model: ModelTensors, into builder: inout GraphBuilder) throws -> TensorID? {
        try mixture(model, &builder)
    }

    /// log 1/K Σ_k q(z|u_k) of each code.
    private func mixture(_ model: ModelTensors, _ builder: inout GraphBuilder) throws -> TensorID {
        let image = builder.shape(model.images)
        let parameter = try builder.parameter(
            "pseudo_inputs", shape: [pseudoInputs, image.count], initializer: .uniform(lower: 0, upper: 1))
        let inputs = try builder.custom(PseudoInputs(shape: image), [parameter])
        let component = try model.encode(inputs, &builder)
        return try builder.custom(MixtureLogDensity(), [model.code, component.mean, component.logVariance])
    }

    static let descriptor = RegularizerDescriptor(
        kind: "vamp_prior", needsPosterior: true, isDivergence: true,
        summary: "KL(q(z|x) ‖ p(z)) with the posteriors of learned pseudo-inputs as the prior, in place of kl.",
        source: "Tomczak and Welling 2018, eq. 9",
        fields: [
            FieldSchema("pseudo_inputs", .integer(1...100_000), "K, images that are learned."),
            FieldSchema("weight", .number(0...1e6), default: .number(1), "β."),
            CommonFields.warmupSteps,
        ]
    ) {
        VampPrior(
            pseudoInputs: $0.integer("pseudo_inputs"), weight: $0.number("weight"),
            warmupSteps: $0.integer("warmup_steps"))
    }
}

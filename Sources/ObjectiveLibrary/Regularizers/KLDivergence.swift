import LayerLibrary
import TensorCore

/// β·KL(q(z|x) ‖ N(0, I)) (Kingma and Welling 2014, equation 10; Higgins and others 2017, equation 4), or with free bits
/// β·Σ_d max(λ, KL̄_d), KL̄_d being the mean over the batch (Kingma and others 2016, equation 15).
public struct KLDivergence: Regularizer, Equatable {
    /// β: 1 for a VAE.
    public var weight: Float
    /// Steps over which β rises linearly from 0.
    public var warmupSteps: Int
    /// λ: nats that each latent dimension counts at least; 0 for none.
    public var freeNats: Float

    public init(weight: Float, warmupSteps: Int = 0, freeNats: Float = 0) {
        self.weight = weight
        self.warmupSteps = warmupSteps
        self.freeNats = freeNats
    }

    public var kind: String { "kl" }

    public var fields: [String: FieldValue] {
        [
            "weight": .number(weight.decimal), "warmup_steps": .integer(warmupSteps),
            "free_nats": .number(freeNats.decimal),
        ]
    }

    public var formula: String { weight.factor + (freeNats > 0 ? "Σ max(\(freeNats.plain), KL_d)" : "KL") }

    public var letter: (symbol: String, value: Float)? { ("β", weight) }

    public var matchesPrior: Bool { true }

    public var dependsOnBatch: Bool { freeNats > 0 }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let posterior = try model.requirePosterior(for: self)
        let schedule = LinearSchedule(from: warmupSteps > 0 ? 0 : weight, to: weight, over: warmupSteps)
        guard freeNats > 0 else {
            try builder.term("kl", posterior.kl, weight: schedule, weightName: "kl_weight")
            return
        }
        let counted = try builder.custom(FreeBits(nats: freeNats), [posterior.klPerDimension])
        try builder.term("counted_kl", counted, weight: schedule, weightName: "kl_weight", isMetric: false)
    }

    static let descriptor = RegularizerDescriptor(
        kind: "kl", needsPosterior: true, isDivergence: true, summary: "β·KL.",
        source:
            "Kingma and Welling 2014, eq. 10; Higgins and others 2017, eq. 4; free bits: Kingma and others 2016, eq. 15",
        fields: [
            CommonFields.weight("β: 1 for a VAE, more for a β-VAE."),
            FieldSchema(
                "warmup_steps", .integer(0...1_000_000_000), default: .integer(0),
                "Steps over which β rises linearly: 0 in the first step, all of it after as many."),
            FieldSchema(
                "free_nats", .number(0...1000), default: .number(0),
                "Nats that each latent dimension counts at least (free bits)."),
        ]
    ) {
        KLDivergence(
            weight: $0.number("weight"), warmupSteps: $0.integer("warmup_steps"), freeNats: $0.number("free_nats"))
    }
}

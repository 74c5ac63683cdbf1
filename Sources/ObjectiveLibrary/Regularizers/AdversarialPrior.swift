import LayerLibrary
import TensorCore

/// Codes that a discriminator takes for draws from the prior: the adversarial autoencoder (Makhzani and others 2016, section 2).
///
/// With d(z) the logit of "drawn from the prior", the model pays −log sigmoid(d(z)), and the discriminator learns from
/// −log sigmoid(d(prior)) − log(1 − sigmoid(d(z))). Both updates follow from the same forward pass, where the paper alternates.
public struct AdversarialPrior: Regularizer {
    public var weight: Float
    public var discriminator: Discriminator

    public init(weight: Float, discriminator: Discriminator) {
        self.weight = weight
        self.discriminator = discriminator
    }

    public var kind: String { "adversarial_prior" }

    public var fields: [String: FieldValue] {
        discriminator.fields.merging(["weight": .number(weight.decimal)]) { first, _ in first }
    }

    public var formula: String { "\(weight.factor)(codes told from the prior by a discriminator)" }

    public var matchesPrior: Bool { true }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let prior = builder.noise("prior_sample", shape: builder.shape(model.code))
        let logits = try discriminator.logits(1, of: [model.code, prior], for: self, &builder)
        let fooling = try builder.custom(LogisticLoss(isPositive: true), [logits[0]])
        try builder.term("adversarial", fooling, weight: .constant(weight))
        let ofCodes = try builder.custom(LogisticLoss(isPositive: false), [logits[0]])
        let ofPrior = try builder.custom(LogisticLoss(isPositive: true), [logits[1]])
        let loss = try builder.custom(WeightedSum([1, 1]), [ofCodes, ofPrior])
        try discriminator.inGroup(of: self, &builder) {
            try $0.term("prior_discriminator", loss, weight: .constant(1))
        }
    }

    static let descriptor = RegularizerDescriptor(
        kind: "adversarial_prior", summary: "Codes that a discriminator cannot tell from draws from the prior.",
        source: "Makhzani and others 2016, section 2",
        fields: [CommonFields.weight("Of the model's loss −log sigmoid(d(z)).")]
            + Discriminator.schemas(learningRate: 1e-4, beta1: 0.5, beta2: 0.9)
    ) {
        AdversarialPrior(weight: $0.number("weight"), discriminator: Discriminator($0))
    }
}

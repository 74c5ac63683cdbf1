import LayerLibrary
import TensorCore

/// γ·TC(z) by the density-ratio trick: the FactorVAE (Kim and Mnih 2018, equation 2 and algorithm 2).
///
/// A discriminator tells codes z from codes whose dimensions were permuted over the batch, each by itself. With its logits
/// D(z) = (a, b), TC ≈ mean(a − b); it learns from ½·(−log softmax(D(z))_a − log softmax(D(z_permuted))_b). The codes of one batch
/// serve for both, where the paper draws a second batch for the permuted ones; both updates follow from the same forward pass.
public struct AdversarialTotalCorrelation: Regularizer {
    public var weight: Float
    public var discriminator: Discriminator

    public init(weight: Float, discriminator: Discriminator) {
        self.weight = weight
        self.discriminator = discriminator
    }

    public var kind: String { "adversarial_total_correlation" }

    public var fields: [String: FieldValue] {
        discriminator.fields.merging(["weight": .number(weight.decimal)]) { first, _ in first }
    }

    public var formula: String { "\(weight.factor)TC by a discriminator" }

    public var smallestBatch: Int { 2 }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        _ = try model.requirePosterior(for: self)
        let permuted = try builder.custom(PermutedDimensions(), [model.code])
        let logits = try discriminator.logits(2, of: [model.code, permuted], for: self, &builder)
        let correlation = try builder.custom(LogitDifference(), [logits[0]])
        try builder.term(
            "total_correlation", correlation, weight: .constant(weight), weightName: "total_correlation_weight")
        let ofCodes = try builder.custom(CrossEntropy(target: 0), [logits[0]])
        let ofPermuted = try builder.custom(CrossEntropy(target: 1), [logits[1]])
        let loss = try builder.custom(WeightedSum([0.5, 0.5]), [ofCodes, ofPermuted])
        try discriminator.inGroup(of: self, &builder) {
            try $0.term("total_correlation_discriminator", loss, weight: .constant(1))
        }
    }

    static let descriptor = RegularizerDescriptor(
        kind: "adversarial_total_correlation", needsPosterior: true,
        summary: "γ·TC(z), estimated by a discriminator that learns beside the model.",
        source: "Kim and Mnih 2018, eq. 2 and algorithm 2",
        fields: [CommonFields.weight("γ.")] + Discriminator.schemas(learningRate: 1e-4, beta1: 0.5, beta2: 0.9)
    ) {
        AdversarialTotalCorrelation(weight: $0.number("weight"), discriminator: Discriminator($0))
    }
}

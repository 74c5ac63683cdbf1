import LayerLibrary

/// The regularisers that definitions can use without plug-ins, sorted by name.
public let builtInRegularizers: [RegularizerDescriptor] = [
    AdversarialPrior.descriptor, AdversarialTotalCorrelation.descriptor, AutoregressivePrior.descriptor,
    Capacity.descriptor, CodebookLoss.descriptor,
    CodeNorm.descriptor, Commitment.descriptor,
    Contraction.descriptor, CovariancePenalty.descriptor, DecoderNorm.descriptor, ImportanceWeighting.descriptor,
    ImageClassifier.descriptor, KLDivergence.descriptor,
    KLDecomposition.descriptor, MaximumMeanDiscrepancy.descriptor, PlanarFlow.descriptor, Sparsity.descriptor,
    VampPrior.descriptor,
]

/// Fields that several regularisers have.
enum CommonFields {
    static func weight(_ summary: String) -> FieldSchema { FieldSchema("weight", .number(0...1e6), summary) }

    static let warmupSteps = FieldSchema(
        "warmup_steps", .integer(0...1_000_000_000), default: .integer(0),
        "Steps over which the weight rises linearly: 0 in the first step, all of it after as many.")
}

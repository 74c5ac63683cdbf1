import LayerLibrary
import TensorCore

/// α·I(x; z) + β·TC(z) + γ·Σ_d KL(q(z_d) ‖ p(z_d)): the mean KL divergence in three parts with a weight each, estimated from a
/// minibatch (Chen and others 2018, equations 2 and 4): the β-TCVAE.
///
/// For the codes z_i of a batch, I = log q(z_i|x_i) − log q(z_i), TC = log q(z_i) − Σ_d log q(z_id) and the third
/// Σ_d log q(z_id) − log p(z_i), with q(z) estimated by `estimator`.
public struct KLDecomposition: Regularizer, Equatable {
    public var mutualInformation: Float
    public var totalCorrelation: Float
    public var dimensionWiseKL: Float
    public var estimator: AggregatePosterior.Weighting

    public init(
        mutualInformation: Float = 1, totalCorrelation: Float, dimensionWiseKL: Float = 1,
        estimator: AggregatePosterior.Weighting = .minibatchWeighted
    ) {
        self.mutualInformation = mutualInformation
        self.totalCorrelation = totalCorrelation
        self.dimensionWiseKL = dimensionWiseKL
        self.estimator = estimator
    }

    public var kind: String { "kl_decomposition" }

    public var fields: [String: FieldValue] {
        [
            "mutual_information": .number(mutualInformation.decimal),
            "total_correlation": .number(totalCorrelation.decimal),
            "dimension_wise_kl": .number(dimensionWiseKL.decimal), "estimator": .name(estimator.rawValue),
        ]
    }

    public var formula: String {
        "\(mutualInformation.factor)I(x; z) + \(totalCorrelation.factor)TC + \(dimensionWiseKL.factor)Σ KL(q(z_d) ‖ p(z_d))"
    }

    public var matchesPrior: Bool { true }

    public var smallestBatch: Int { 2 }

    public var needsSingleLatent: Bool { true }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let posterior = try model.requirePosterior(for: self)
        let q = [model.code, posterior.mean, posterior.logVariance]
        let conditional = try builder.custom(GaussianLogDensity(), q)
        let joint = try builder.custom(AggregatePosterior(weighting: estimator, isFactorized: false), q)
        let factors = try builder.custom(AggregatePosterior(weighting: estimator, isFactorized: true), q)
        let prior = try builder.custom(StandardNormalLogDensity(), [model.code])
        func difference(_ a: TensorID, _ b: TensorID) throws -> TensorID {
            try builder.custom(WeightedSum([1, -1]), [a, b])
        }
        try builder.term(
            "mutual_information", difference(conditional, joint), weight: .constant(mutualInformation))
        try builder.term("total_correlation", difference(joint, factors), weight: .constant(totalCorrelation))
        try builder.term("dimension_wise_kl", difference(factors, prior), weight: .constant(dimensionWiseKL))
    }

    static let descriptor = RegularizerDescriptor(
        kind: "kl_decomposition", needsPosterior: true, isDivergence: true,
        summary: "α·I(x; z) + β·TC(z) + γ·Σ_d KL(q(z_d) ‖ p(z_d)), in place of kl.",
        source: "Chen and others 2018, eq. 2 and 4, appendix C",
        fields: [
            FieldSchema(
                "mutual_information", .number(0...1e6), default: .number(1), "α, of the mutual information I(x; z)."),
            FieldSchema("total_correlation", .number(0...1e6), "β, of the total correlation."),
            FieldSchema(
                "dimension_wise_kl", .number(0...1e6), default: .number(1), "γ, of the KL divergences per dimension."),
            FieldSchema(
                "estimator", .name(AggregatePosterior.Weighting.allCases.map(\.rawValue)),
                default: .name(AggregatePosterior.Weighting.minibatchWeighted.rawValue),
                "How q(z) is estimated from a batch: minibatch_weighted or minibatch_stratified."),
        ]
    ) {
        KLDecomposition(
            mutualInformation: $0.number("mutual_information"), totalCorrelation: $0.number("total_correlation"),
            dimensionWiseKL: $0.number("dimension_wise_kl"),
            estimator: AggregatePosterior.Weighting(rawValue: $0.name("estimator")) ?? .minibatchWeighted)
    }
}

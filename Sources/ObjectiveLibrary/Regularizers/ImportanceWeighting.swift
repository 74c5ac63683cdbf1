import LayerLibrary
import TensorCore

/// −log 1/K Σ_k p(x|z_k)·p(z_k)/q(z_k|x) from K codes for each image, in place of reconstruction and KL divergence: the importance
/// weighted autoencoder (Burda, Grosse and Salakhutdinov 2016, equation 8).
///
/// With M `repeats`, the mean of M such bounds (MIWAE: Rainforth and others 2018, equation 7); with a share β of the evidence lower
/// bound, β times the mean of −log w plus (1 − β) times the above (CIWAE: the same, equation 9). Where it is partial, only the encoder
/// learns from these, and the decoder from one bound of all K·M codes (PIWAE: the same, section 4.3).
public struct ImportanceWeighting: Regularizer, Equatable {
    /// K.
    public var sampleCount: Int
    /// M.
    public var repeats: Int
    /// β.
    public var lowerBoundShare: Float
    /// Whether the decoder learns from all codes of an image at once.
    public var isPartial: Bool

    public init(samples: Int, repeats: Int = 1, lowerBoundShare: Float = 0, isPartial: Bool = false) {
        sampleCount = samples
        self.repeats = repeats
        self.lowerBoundShare = lowerBoundShare
        self.isPartial = isPartial
    }

    public var kind: String { "importance_weighting" }

    public var fields: [String: FieldValue] {
        [
            "samples": .integer(sampleCount), "repeats": .integer(repeats),
            "lower_bound_share": .number(lowerBoundShare.decimal), "partial": .boolean(isPartial),
        ]
    }

    public var formula: String {
        let bound = "−log mean w over \(sampleCount) samples" + (repeats > 1 ? ", \(repeats) times" : "")
        let loss =
            lowerBoundShare > 0
            ? "\((1 - lowerBoundShare).factor)(\(bound)) + \(lowerBoundShare.factor)(mean −log w)" : bound
        return isPartial ? "\(loss) (the decoder: over \(samples) samples)" : loss
    }

    public var matchesPrior: Bool { true }

    public var samples: Int { sampleCount * repeats }

    public var replacesReconstruction: Bool { true }

    public var decoderGroup: String? { isPartial ? "decoder" : nil }

    public var needsSingleLatent: Bool { isPartial }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let posterior = try model.requirePosterior(for: self)
        let weights = try Self.logWeights(model, posterior, prior: nil, into: &builder)
        let bound = try builder.custom(ImportanceWeightedBound(sampleCount: sampleCount), [weights])
        try builder.term("importance_weighted", bound, weight: .constant(1 - lowerBoundShare))
        if let decoderGroup {
            let ofAll = try builder.custom(ImportanceWeightedBound(sampleCount: samples), [weights])
            try builder.group(decoderGroup) {
                try $0.term("decoder_importance_weighted", ofAll, weight: .constant(1))
            }
        }
        guard lowerBoundShare > 0 else { return }
        let elbo = try builder.custom(WeightedSum([-1]), [weights])
        try builder.term("negative_elbo", elbo, weight: .constant(lowerBoundShare))
    }

    /// log p(x|z) + log p(z) − log q(z|x) of each code `[]`.
    ///
    /// - Parameter prior: log p(z) of each code `[]`; nil for N(0, I).
    /// - Throws: `ZooError` where the tensors do not fit.
    public static func logWeights(
        _ model: ModelTensors, _ posterior: ModelTensors.Posterior, prior: TensorID?, into builder: inout GraphBuilder
    ) throws -> TensorID {
        let inputs = [model.reconstruction, model.code, posterior.mean, posterior.logVariance]
        return try builder.custom(LogImportanceWeight(), inputs + (prior.map { [$0] } ?? []))
    }

    static let descriptor = RegularizerDescriptor(
        kind: "importance_weighting", needsPosterior: true, standsAlone: true,
        summary: "−log 1/K Σ p(x|z)·p(z)/q(z|x) over K codes for each image, in place of reconstruction and kl.",
        source:
            "Burda and others 2016, eq. 8; MIWAE, CIWAE and PIWAE: Rainforth and others 2018, eq. 7, 9 and section 4.3",
        fields: [
            FieldSchema("samples", .integer(1...100_000), "K, codes that are averaged within the logarithm."),
            FieldSchema(
                "repeats", .integer(1...100_000), default: .integer(1), "M, bounds that are averaged (MIWAE)."),
            FieldSchema(
                "lower_bound_share", .number(0...1), default: .number(0),
                "β, the share of the evidence lower bound (CIWAE)."),
            FieldSchema(
                "partial", .boolean, default: .boolean(false),
                "Whether the decoder learns from one bound of all K·M codes, and only the encoder from the above (PIWAE)."
            ),
        ]
    ) {
        let (samples, repeats) = ($0.integer("samples"), $0.integer("repeats"))
        guard samples * repeats <= 100_000 else {
            throw ZooError(
                "\(samples) samples, \(repeats) times, are more than 100,000 codes for each image", code: .limit)
        }
        return ImportanceWeighting(
            samples: samples, repeats: repeats, lowerBoundShare: $0.number("lower_bound_share"),
            isPartial: $0.boolean("partial"))
    }
}

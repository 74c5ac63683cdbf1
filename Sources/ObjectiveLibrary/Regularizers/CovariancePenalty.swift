import LayerLibrary
import TensorCore

/// λ_od·Σ_{i≠j} C_ij² + λ_d·Σ_i (C_ii − 1)²: DIP-VAE (Kumar, Sattigeri and Balakrishnan 2018, equations 6 and 7).
///
/// C is the covariance over the batch of the posterior means (DIP-VAE-I), or of the codes, Cov(μ) + E[diag σ²] (DIP-VAE-II).
public struct CovariancePenalty: Regularizer, Equatable {
    public enum Of: String, CaseIterable, Sendable {
        case means
        case codes
    }

    public var offDiagonal: Float
    public var diagonal: Float
    public var covariance: Of

    public init(offDiagonal: Float, diagonal: Float, of covariance: Of) {
        self.offDiagonal = offDiagonal
        self.diagonal = diagonal
        self.covariance = covariance
    }

    public var kind: String { "covariance" }

    public var fields: [String: FieldValue] {
        [
            "off_diagonal": .number(offDiagonal.decimal), "diagonal": .number(diagonal.decimal),
            "of": .name(covariance.rawValue),
        ]
    }

    public var formula: String {
        "\(offDiagonal.factor)Σ C_ij² + \(diagonal.factor)Σ (C_ii − 1)², C = Cov(\(covariance == .means ? "μ" : "z"))"
    }

    public var smallestBatch: Int { 2 }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let posterior = try model.requirePosterior(for: self)
        let inputs = [posterior.mean] + (covariance == .codes ? [posterior.logVariance] : [])
        let covariance = try builder.custom(BatchCovariance(), inputs)
        let size = builder.shape(posterior.mean).count
        let off = try builder.custom(SquaredDistanceFromIdentity(size: size, isDiagonal: false), [covariance])
        let on = try builder.custom(SquaredDistanceFromIdentity(size: size, isDiagonal: true), [covariance])
        try builder.term("covariance_off_diagonal", off, weight: .constant(offDiagonal))
        try builder.term("covariance_diagonal", on, weight: .constant(diagonal))
    }

    static let descriptor = RegularizerDescriptor(
        kind: "covariance", needsPosterior: true,
        summary: "λ_od·Σ_{i≠j} C_ij² + λ_d·Σ_i (C_ii − 1)² of a covariance of the latent dimensions.",
        source: "Kumar and others 2018, eq. 6 (means: DIP-VAE-I) and 7 (codes: DIP-VAE-II)",
        fields: [
            FieldSchema("off_diagonal", .number(0...1e6), "λ_od, of the squared covariances of two dimensions."),
            FieldSchema("diagonal", .number(0...1e6), "λ_d, of the squared distances of the variances from 1."),
            FieldSchema(
                "of", .name(Of.allCases.map(\.rawValue)), default: .name(Of.means.rawValue),
                "Which covariance: of the posterior means, or of the codes."),
        ]
    ) {
        CovariancePenalty(
            offDiagonal: $0.number("off_diagonal"), diagonal: $0.number("diagonal"),
            of: Of(rawValue: $0.name("of")) ?? .means)
    }
}

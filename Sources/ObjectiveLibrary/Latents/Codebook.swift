import LayerLibrary
import TensorCore

/// The vectors that stand for codes in a discrete latent space (van den Oord, Vinyals and Kavukcuoglu 2017): what the encoder gives is
/// replaced by the nearest of them.
public struct Codebook: Sendable, Equatable {
    /// K, how many vectors there are.
    public var codes: Int
    /// γ of the moving averages that the vectors follow.
    public var decay: Float
    /// What is added to the sizes of clusters in the quotient m/N.
    public var smoothing: Float
    /// The size of a cluster below which its vector begins anew as one of the batch; 0 for never.
    public var revival: Float

    public init(codes: Int, decay: Float = 0.99, smoothing: Float = 1e-5, revival: Float = 0.1) {
        self.codes = codes
        self.decay = decay
        self.smoothing = smoothing
        self.revival = revival
    }

    /// The fields of a definition's `latent.codebook`.
    package static let schemas = [
        FieldSchema("codes", .integer(2...1_000_000), "K, the number of vectors."),
        FieldSchema(
            "decay", .number(0...1, openUpper: true), default: .number(0.99),
            "γ of the moving averages that the vectors follow."),
        FieldSchema(
            "smoothing", .number(0...1), default: .number(1e-5), "Added to the sizes of clusters in the quotient."),
        FieldSchema(
            "revival", .number(0...1e6), default: .number(0.1),
            "The size of a cluster below which its vector begins anew as one of the batch."),
    ]

    package var fields: [String: FieldValue] {
        [
            "codes": .integer(codes), "decay": .number(decay.decimal), "smoothing": .number(smoothing.decimal),
            "revival": .number(revival.decimal),
        ]
    }

    package init(_ values: FieldValues) {
        self.init(
            codes: values.integer("codes"), decay: values.number("decay"), smoothing: values.number("smoothing"),
            revival: values.number("revival"))
    }

    /// The tensors of a codebook in a program.
    package struct Tensors: Sendable {
        /// `[K, D]`.
        package let vectors: TensorID
        /// N `[K]` and m `[K, D]`; nil where the vectors learn by gradient, or nothing learns.
        package let averages: (sizes: TensorID, sums: TensorID)?
    }

    /// Creates the vectors, of `size` numbers each.
    ///
    /// - Parameter isLearned: whether they are a parameter, which learns from the loss, and not a moving average.
    /// - Throws: `ZooError` where memory would not hold them.
    package func tensors(size: Int, isLearned: Bool, into builder: inout GraphBuilder) throws -> Tensors {
        try builder.scoped("codebook") { builder in
            guard !isLearned else {
                let bound = 1 / Float(codes)
                return Tensors(
                    vectors: try builder.parameter(
                        "embeddings", shape: [codes, size], initializer: .uniform(lower: -bound, upper: bound)),
                    averages: nil)
            }
            // All clusters are empty at first, so that the first batch gives each vector its place.
            return Tensors(
                vectors: try builder.buffer("embeddings", shape: [codes, size], value: 0),
                averages: (
                    try builder.buffer("cluster_size", shape: [codes], value: 0),
                    try builder.buffer("sum", shape: [codes, size], value: 0)
                ))
        }
    }
}

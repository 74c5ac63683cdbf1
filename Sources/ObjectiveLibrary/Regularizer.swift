import LayerLibrary
import TensorCore

/// What the loss has besides the reconstruction: a configuration, without weights.
///
/// A regulariser gets the tensors of the model and adds `LossTerm`s, made of the program's operations. What the whole zoo knows of a
/// family beyond its layers is here.
public protocol Regularizer: Sendable {
    /// What definitions call it, for instance `kl`.
    var kind: String { get }

    /// Its settings under the names that definitions have for them. Fields that are left out have their defaults.
    var fields: [String: FieldValue] { get }

    /// One line, for instance `4·KL`.
    var formula: String { get }

    /// Its weight by the letter of the paper, for captions, for instance `("β", 4)`; nil where the formula says enough.
    var letter: (symbol: String, value: Float)? { get }

    /// Whether it makes the codes follow the prior N(0, I), or learns the prior of codes of a codebook, so that draws from it can be decoded.
    var matchesPrior: Bool { get }

    /// The fewest images of a batch that it can be computed from.
    var smallestBatch: Int { get }

    /// Whether its terms depend on which images are in the batch together, so that evaluation takes batches as in training.
    var dependsOnBatch: Bool { get }

    /// Codes that it needs for each image.
    var samples: Int { get }

    /// Whether its terms stand in place of the reconstruction loss, which then is only reported.
    var replacesReconstruction: Bool { get }

    /// The group that the decoder's parameters belong to, where they learn from other terms than the encoder's; nil for the model's own.
    var decoderGroup: String? { get }

    /// Whether the codebook of the model learns from its term by gradient.
    var learnsCodebook: Bool { get }

    /// The training images that have a label, where the model knows the class of few; nil where it is given the class of all.
    var labelledImages: LabelledImages? { get }

    /// Of a classifier of images: the logits `[classes]` of each; nil where it has none.
    ///
    /// - Throws: `ZooError` where the shapes do not fit.
    func classLogits(_ images: TensorID, classes: Int, into builder: inout GraphBuilder) throws -> TensorID?

    /// Whether it needs the posterior of an image whatever the codes drawn: not that of a latent below another.
    var needsSingleLatent: Bool { get }

    /// log p(z) of each code `[]`, where its prior stands in place of N(0, I); nil where it does not.
    ///
    /// - Throws: `ZooError` where the model does not suit it.
    func logPrior(_ model: ModelTensors, into builder: inout GraphBuilder) throws -> TensorID?

    /// Of a prior over the codes of a codebook: the logits `[K, H, W]` of each code given those before it, row by row; nil where it has
    /// none.
    ///
    /// - Parameters:
    ///   - vectors: those of the codebook in the places of the codes, `[D, H, W]` or `[D]`.
    ///   - codes: K.
    /// - Throws: `ZooError` where the shapes do not fit.
    func codeLogits(_ vectors: TensorID, codes: Int, into builder: inout GraphBuilder) throws -> TensorID?

    /// What the decoder gets for codes: the codes themselves, unless a flow of the posterior bends them.
    ///
    /// - Throws: `ZooError` where the shapes do not fit.
    func decoded(_ code: TensorID, into builder: inout GraphBuilder) throws -> TensorID

    /// The codes that are decoded as draws from N(0, I); nil where these are the codes.
    ///
    /// - Parameter parameter: the values of a parameter by its path.
    /// - Throws: `ZooError` where a parameter is missing.
    func codes(ofPriorDraws draws: [[Float]], parameter: (String) -> [Float]?) throws -> [[Float]]?

    /// Adds its terms, and what they are computed from, to the program.
    ///
    /// - Throws: `ZooError` where the model does not suit it.
    func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws
}

extension Regularizer {
    public var letter: (symbol: String, value: Float)? { nil }
    public var matchesPrior: Bool { false }
    public var smallestBatch: Int { 1 }
    public var dependsOnBatch: Bool { smallestBatch > 1 }
    public var samples: Int { 1 }
    public var replacesReconstruction: Bool { false }
    public var decoderGroup: String? { nil }
    public var learnsCodebook: Bool { false }
    public var needsSingleLatent: Bool { false }
    public var labelledImages: LabelledImages? { nil }
    public func classLogits(_ images: TensorID, classes: Int, into builder: inout GraphBuilder) throws -> TensorID? {
        nil
    }
    public func logPrior(_ model: ModelTensors, into builder: inout GraphBuilder) throws -> TensorID? { nil }
    public func codeLogits(_ vectors: TensorID, codes: Int, into builder: inout GraphBuilder) throws -> TensorID? {
        nil
    }
    public func decoded(_ code: TensorID, into builder: inout GraphBuilder) throws -> TensorID { code }
    public func codes(ofPriorDraws draws: [[Float]], parameter: (String) -> [Float]?) throws -> [[Float]]? { nil }
}

/// The tensors of a model that a regulariser can build on.
public struct ModelTensors: Sendable {
    /// Of a diagonal Gaussian q(z|x), per image `[D]`. With several latents, of all of them, each in the units of its prior given those
    /// above it, so that all of z follows N(0, I).
    public struct Posterior: Sendable {
        public let mean: TensorID
        public let logVariance: TensorID
        /// KL(q(z|x) ‖ N(0, I)) in nats, per image `[]`.
        public let kl: TensorID
        /// The same per dimension, as means over the batch: `[D]`.
        public let klPerDimension: TensorID

        public init(mean: TensorID, logVariance: TensorID, kl: TensorID, klPerDimension: TensorID) {
            self.mean = mean
            self.logVariance = logVariance
            self.kl = kl
            self.klPerDimension = klPerDimension
        }
    }

    /// Of a discrete latent space.
    public struct Codes: Sendable {
        /// What the encoder gives, `[D, H, W]`, or `[D]` of a single code.
        public let encoded: TensorID
        /// The numbers of the codebook's vectors in their places, `[H·W]`.
        public let indices: TensorID
        /// `[K, D]`.
        public let codebook: TensorID

        public init(encoded: TensorID, indices: TensorID, codebook: TensorID) {
            self.encoded = encoded
            self.indices = indices
            self.codebook = codebook
        }
    }

    /// Of a model that knows the class of few images, and computes z for each class: K rows for each image.
    public struct Classes: Sendable {
        /// Of the classifier, `[K]`.
        public let logits: TensorID
        /// 1 among zeros, or zeros for an image without a label, `[K]`.
        public let labels: TensorID
        /// How much each class counts, `[K]`.
        public let shares: TensorID

        public init(logits: TensorID, labels: TensorID, shares: TensorID) {
            self.logits = logits
            self.labels = labels
            self.shares = shares
        }
    }

    /// x, per image `[C, H, W]` or `[D]`, from 0 to 1.
    public let images: TensorID
    /// z `[D]`: what the decoder gets; without a posterior the code itself; of a codebook its vectors, `[D, H, W]` or `[D]`. One for each
    /// image, or as many as the regularisers ask for.
    public let code: TensorID
    /// The reconstruction loss of each code, `[]`, in nats.
    public let reconstruction: TensorID
    /// nil for an encoder that gives a code and no distribution.
    public let posterior: Posterior?
    /// nil for a latent space without a codebook.
    public let codes: Codes?
    /// nil for a model that is given the class of each image, or none.
    public let classes: Classes?
    /// The encoder on other images than the batch, with the same parameters: gives their μ and log σ².
    public let encode: @Sendable (TensorID, inout GraphBuilder) throws -> (mean: TensorID, logVariance: TensorID)

    public init(
        images: TensorID, code: TensorID, reconstruction: TensorID, posterior: Posterior?,
        codes: Codes? = nil, classes: Classes? = nil,
        encode: @escaping @Sendable (TensorID, inout GraphBuilder) throws -> (mean: TensorID, logVariance: TensorID)
    ) {
        self.encode = encode
        self.images = images
        self.code = code
        self.reconstruction = reconstruction
        self.posterior = posterior
        self.codes = codes
        self.classes = classes
    }

    /// The posterior, which `RegularizerDescriptor.needsPosterior` promises.
    ///
    /// - Throws: `ZooError` where there is none.
    public func requirePosterior(for regularizer: any Regularizer) throws -> Posterior {
        guard let posterior else {
            throw ZooError(
                "objective.\(regularizer.kind) needs a posterior: latent.mean and latent.log_variance", code: .mismatch,
                subject: .field("objective.\(regularizer.kind)"))
        }
        return posterior
    }

    /// The codes, which `RegularizerDescriptor.needsCodebook` promises.
    ///
    /// - Throws: `ZooError` where there are none.
    public func requireCodes(for regularizer: any Regularizer) throws -> Codes {
        guard let codes else {
            throw ZooError(
                "objective.\(regularizer.kind) needs a codebook: latent.codebook", code: .mismatch,
                subject: .field("objective.\(regularizer.kind)"))
        }
        return codes
    }
}

/// A regulariser as definitions know it.
public struct RegularizerDescriptor: Sendable {
    /// The name in a definition's `objective`, for instance `kl`.
    public var kind: String
    /// Whether it needs a posterior distribution: heads for a mean and a log variance.
    public var needsPosterior: Bool
    /// Whether it needs a codebook.
    public var needsCodebook: Bool
    /// Whether it is the KL divergence from the prior in one form or another, of which a model has one.
    public var isDivergence: Bool
    /// Whether it takes the place of all other regularisers.
    public var standsAlone: Bool
    /// One sentence.
    public var summary: String
    /// The paper and the equation.
    public var source: String
    public var fields: [FieldSchema]
    public var make: @Sendable (FieldValues) throws -> any Regularizer

    public init(
        kind: String, needsPosterior: Bool = false, needsCodebook: Bool = false, isDivergence: Bool = false,
        standsAlone: Bool = false, summary: String, source: String,
        fields: [FieldSchema],
        make: @escaping @Sendable (FieldValues) throws -> any Regularizer
    ) {
        self.kind = kind
        self.needsPosterior = needsPosterior
        self.needsCodebook = needsCodebook
        self.isDivergence = isDivergence
        self.standsAlone = standsAlone
        self.summary = summary
        self.source = source
        self.fields = fields
        self.make = make
    }
}

extension Float {
    /// Without `.0`, for formulas.
    var plain: String {
        self == rounded() && abs(self) < 1e6 ? "\(Int(self))" : "\(self)"
    }

    /// `4·`, or nothing for a factor of 1.
    var factor: String { self == 1 ? "" : plain + "·" }
}

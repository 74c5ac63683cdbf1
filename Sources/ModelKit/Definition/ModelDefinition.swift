import LayerLibrary
import ObjectiveLibrary
import TensorCore

/// A checked definition of a model: architecture, objective and training settings, without weights.
public struct ModelDefinition: Sendable {
    public struct Reference: Sendable, Equatable {
        public var title: String
        public var authors: String?
        public var year: Int?
        public var url: String?

        public init(title: String, authors: String? = nil, year: Int? = nil, url: String? = nil) {
            self.title = title
            self.authors = authors
            self.year = year
            self.url = url
        }
    }

    /// The bottleneck between encoder and decoder.
    public enum Latent: Sendable {
        /// The code of a plain autoencoder: one head.
        case code(NamedLayer)
        /// A diagonal Gaussian: heads for μ and log σ².
        case gaussian(mean: NamedLayer, logVariance: NamedLayer)
        /// Codes of a codebook: one for each position of the maps that the encoder gives, or a single one. The head gives the vectors that
        /// are replaced; on maps it is a convolution of 1 × 1.
        case discrete(code: NamedLayer, Codebook)
    }

    public var name: String
    public var family: String
    public var summary: String
    public var references: [Reference]
    /// The data set it is meant for; nil for models without one.
    public var dataset: String?
    /// The shape of one image, `[C, H, W]` or `[D]`.
    public var input: Shape
    /// Numbers that an image is encoded as: latent dimensions, those of the uppermost latent first, or codes of a codebook.
    public var latentSize: Int
    public var latent: Latent
    /// Latents above that one, each with the prior of the one below it.
    public var levels: [LatentLevel] = []
    public var encoder: [NamedLayer]
    public var decoder: [NamedLayer]
    public var objective: Objective
    public var training: TrainingSettings
    /// The definition as text, overrides applied: what a checkpoint keeps.
    public var text: String

    /// Whether the encoder gives a posterior distribution and not just a code.
    public var isVariational: Bool {
        if case .gaussian = latent { true } else { false }
    }

    /// The codebook that an image is encoded with; nil for codes that are real numbers.
    public var codebook: Codebook? {
        if case .discrete(_, let codebook) = latent { codebook } else { nil }
    }

    /// - Parameter what: what needs codes between which there are others, for instance `a traversal`.
    /// - Throws: `ZooError` (wrong usage) for a model with a codebook.
    public func requireContinuousCodes(for what: String) throws {
        guard let codebook else { return }
        throw ZooError(
            "\(name) has no \(what): an image is \(latentSize) of the \(codebook.codes) vectors of its codebook, and between two of these is "
                + "nothing", advice: "reconstruct, embed, evaluate and, with a prior, sample work with such codes",
            kind: .usage,
            code: .unsupported)
    }

    /// How many classes the model is conditional on; nil for a model that does not ask for the class of an image.
    public var classCount: Int? { decoder.classCount ?? encoder.classCount }

    /// Whether the codes follow the prior N(0, I), so that draws from it can be decoded.
    public var hasPrior: Bool { objective.regularizers.contains(where: \.matchesPrior) }

    /// - Parameters:
    ///   - purpose: what needs a prior, for instance `to draw from`.
    ///   - advice: what can be done without one, where codes are not those of a codebook.
    /// - Throws: `ZooError` (wrong usage) for a model that learns no prior, as a plain autoencoder.
    public func requirePrior(_ purpose: String, advice: String) throws {
        guard hasPrior else {
            throw ZooError(
                (codebook != nil
                    ? "\(name) has learned no prior over its codes: there is none"
                    : isVariational
                        ? "nothing makes the codes of \(name) follow a prior: there is none"
                        : "\(name) is a plain autoencoder: it has no prior")
                    + " \(purpose)",
                advice: codebook == nil
                    ? advice
                    : "objective.autoregressive_prior learns one; reconstruct, embed and evaluate work without",
                kind: .usage, code: .unsupported)
        }
    }
}

/// What is minimised, in nats per image.
public struct Objective: Sendable {
    public struct Term: Sendable {
        /// The name in the definition, for instance `bernoulli`.
        public var name: String
        public var likelihood: Likelihood
        public var weight: Float
    }

    /// How images are compared with their reconstructions; none where there is a distribution.
    public var terms: [Term]
    /// A distribution of the images whose parameters the decoder gives, in place of `terms`.
    public var distribution: (any PixelDistribution)?
    /// What the loss has besides; none in a plain autoencoder.
    public var regularizers: [any Regularizer]

    /// Whether the decoder's numbers are probabilities of Bernoulli pixels: every term says so.
    public var isBernoulli: Bool { distribution == nil && terms.allSatisfy { $0.name == "bernoulli" } }

    /// The likelihood that takes numbers from 0 to 1 only; nil where any number will do.
    public var likelihoodOfUnitInterval: String? {
        if let distribution { return distribution.takesLogits || distribution.isDiscrete ? distribution.name : nil }
        return terms.first { $0.name == "bernoulli" }?.name
    }

    /// Whether terms depend on which images are in the batch together.
    public var dependsOnBatch: Bool { regularizers.contains(where: \.dependsOnBatch) }

    /// The training images that have a label, where the model knows the class of few; nil where it is given the class of all, or of none.
    public var labelledImages: LabelledImages? { regularizers.lazy.compactMap(\.labelledImages).first }

    /// The fewest images of a batch that the objective can be computed from.
    public var smallestBatch: Int { regularizers.map(\.smallestBatch).max() ?? 1 }

    /// One line, for instance `bernoulli + 4·KL`.
    public var formula: String {
        /// A number without `.0`.
        func text(_ value: Float) -> String {
            value == value.rounded() && abs(value) < 1e6 ? "\(Int(value))" : "\(value)"
        }
        let reconstruction =
            distribution.map { [$0.name] } ?? terms.map { $0.weight == 1 ? $0.name : "\(text($0.weight))·\($0.name)" }
        if let bound = regularizers.first(where: \.replacesReconstruction) {
            return "\(bound.formula), \(reconstruction.joined(separator: " + "))"
        }
        return (reconstruction + regularizers.map(\.formula)).joined(separator: " + ")
    }
}

/// How a model is trained unless the user says otherwise.
public struct TrainingSettings: Sendable, Equatable {
    /// How the learning rate changes over a run.
    public enum Schedule: Sendable, Equatable {
        case constant
        /// Multiplied by `factor` after every `epochs` epochs.
        case step(epochs: Int, factor: Float)
        /// Falls along half a cosine to `minimum` at the end of the run (Loshchilov and Hutter 2017, without restarts).
        case cosine(minimum: Float)
    }

    public var update: UpdateRule
    public var learningRate: Float
    public var schedule: Schedule
    /// Steps over which the learning rate rises linearly from 0.
    public var warmupSteps: Int
    public var batchSize: Int
    public var epochs: Int
    /// Images taken from the training split for validation, where the publisher has no such split; 0 for none, or, where
    /// `patience` needs them, for a tenth of the training images.
    public var validationCount: Int
    /// Epochs without improvement after which training stops; nil never stops early.
    public var patience: Int?
    /// The class whose images alone are trained on; nil for all.
    public var onlyClass: Int?
    /// How training images are changed each time they are seen; nil for images as they are.
    public var augmentation: Augmentation?
    /// Number format of matrix products and activations in training. Evaluation and inference are f32.
    public var precision: Precision
    /// How convolutions are computed in f32, in training and in the evaluation that goes with it.
    public var convolution: ConvolutionMethod

    /// Images to take from `trainingCount` training images for validation: what early stopping goes by must not be the test
    /// images, so with `patience` there are some.
    public func validationCount(of trainingCount: Int) -> Int {
        if validationCount > 0 || patience == nil { return validationCount }
        return trainingCount > 1 ? min(10_000, max(1, trainingCount / 10)) : 0
    }

    /// The learning rate of step `step` (from 0) of a run of `totalSteps` with `stepsPerEpoch`.
    public func learningRate(step: Int, stepsPerEpoch: Int, totalSteps: Int) -> Float {
        var rate = learningRate
        switch schedule {
        case .constant: break
        case .step(let epochs, let factor):
            for _ in 0..<(step / max(1, epochs * stepsPerEpoch)) { rate *= factor }
        case .cosine(let minimum):
            let progress = Double(min(step, totalSteps)) / Double(max(1, totalSteps))
            rate = minimum + (learningRate - minimum) * Float(0.5 * (1 + cosine(Double.pi * progress)))
        }
        return warmupSteps > 0 ? rate * min(1, Float(step + 1) / Float(warmupSteps)) : rate
    }
}

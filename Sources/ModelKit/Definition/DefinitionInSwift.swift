import LayerLibrary
import ObjectiveLibrary
import TensorCore

extension ModelDefinition {
    /// A definition made of values instead of a text. It is checked as a file is, and `text` reads back as the same model.
    ///
    /// - Parameters:
    ///   - name: lower-case letters, digits and hyphens.
    ///   - family: `vae`, `beta-vae`, `autoencoder` or what else it belongs to.
    ///   - summary: one sentence.
    ///   - dataset: the data set it is meant for; nil for none.
    ///   - input: the shape of one image, `[C, H, W]` or `[D]`.
    ///   - latent: the heads that end the encoder: `.gaussian(size: 20)`, or `.code(size: 20)` of a plain autoencoder.
    ///   - levels: latents above that one, each with the prior of the one below it.
    ///   - encoder: from an image to what the heads get.
    ///   - decoder: from a latent vector `[latent size]` to as many numbers as an image has; a final sigmoid makes them pixels.
    ///   - registry: the layers, activations and likelihoods that may be used.
    /// - Throws: `DefinitionError` with all problems at once; `ZooError` for a layer or activation that the registry does not
    ///   have.
    public init(
        name: String, family: String, summary: String, references: [Reference] = [], dataset: String? = nil,
        input: Shape, latent: Latent, levels: [LatentLevel] = [], encoder: [NamedLayer], decoder: [NamedLayer],
        objective: Objective, training: TrainingSettings = TrainingSettings(), registry: Registry = .builtIn
    ) throws {
        let draft = ModelDefinition(
            name: name, family: family, summary: summary, references: references, dataset: dataset, input: input,
            latentSize: latent.size, latent: latent, levels: levels, encoder: encoder, decoder: decoder,
            objective: objective, training: training, text: "")
        try self.init(text: DefinitionWriter(registry: registry).text(of: draft), source: name, registry: registry)
    }

    /// The definition as YAML, written anew: `text` keeps what a user wrote, this what it means.
    ///
    /// - Throws: `ZooError` for a layer or activation that the registry does not have.
    public func yaml(registry: Registry = .builtIn) throws -> String {
        try DefinitionWriter(registry: registry).text(of: self)
    }
}

extension ModelDefinition.Latent {
    /// A diagonal Gaussian of `size` dimensions: two linear layers, `mean` and `log_variance`.
    public static func gaussian(size: Int, settings: WeightSettings = WeightSettings()) -> Self {
        .gaussian(
            mean: .layer("mean", Linear(units: size, settings: settings)),
            logVariance: .layer("log_variance", Linear(units: size, settings: settings)))
    }

    /// The code of a plain autoencoder, of `size` dimensions: a linear layer, `code`.
    public static func code(size: Int, settings: WeightSettings = WeightSettings()) -> Self {
        .code(.layer("code", Linear(units: size, settings: settings)))
    }

    /// Codes of a codebook, of vectors with `size` numbers.
    public static func discrete(size: Int, codebook: Codebook, settings: WeightSettings = WeightSettings()) -> Self {
        .discrete(code: .layer("code", Linear(units: size, settings: settings)), codebook)
    }

    /// Latent dimensions, or the numbers of a codebook's vectors.
    var size: Int {
        let head =
            switch self {
            case .code(let code), .discrete(let code, _): code
            case .gaussian(let mean, logVariance: _): mean
            }
        return (head.layer as? Linear)?.units ?? 0
    }
}

extension Objective {
    /// Reconstruction and what else the loss has.
    ///
    /// - Parameters:
    ///   - reconstruction: how images are compared.
    ///   - regularizers: none for a plain autoencoder.
    public init(_ reconstruction: Term..., regularizers: [any Regularizer] = []) {
        self.init(terms: reconstruction, distribution: nil, regularizers: regularizers)
    }

    /// A distribution of the images whose parameters the decoder gives, and what else the loss has.
    public init(_ distribution: any PixelDistribution, regularizers: [any Regularizer] = []) {
        self.init(terms: [], distribution: distribution, regularizers: regularizers)
    }

    /// Reconstruction + β·KL (Higgins and others 2017, equation 4).
    ///
    /// - Parameters:
    ///   - beta: 1 for a VAE.
    ///   - warmupSteps: steps over which β rises linearly from 0.
    ///   - freeNats: nats that each latent dimension counts at least.
    public init(_ reconstruction: Term, beta: Float, warmupSteps: Int = 0, freeNats: Float = 0) {
        self.init(
            terms: [reconstruction], distribution: nil,
            regularizers: [KLDivergence(weight: beta, warmupSteps: warmupSteps, freeNats: freeNats)])
    }
}

extension Objective.Term {
    /// A likelihood under the name that definitions have for it.
    public init(_ likelihood: Likelihood, weight: Float = 1) {
        self.init(name: likelihood.definitionName, likelihood: likelihood, weight: weight)
    }

    /// Binary cross-entropy from logits, summed over pixels.
    public static var bernoulli: Self { Self(.bernoulli) }
    /// ½‖x − x̂‖².
    public static var gaussian: Self { Self(.gaussian) }
    /// ½‖x − x̂‖²/σ² + D·log σ with one learned σ.
    public static var gaussianLearnedVariance: Self { Self(.gaussianLearnedVariance) }
    /// Σ|x − x̂|.
    public static var laplace: Self { Self(.laplace) }
}

extension Likelihood {
    /// As in definitions.
    var definitionName: String {
        switch self {
        case .bernoulli: "bernoulli"
        case .gaussian: "gaussian"
        case .gaussianLearnedVariance: "gaussian_learned_variance"
        case .laplace: "laplace"
        case .custom(let loss): loss.name
        }
    }
}

extension UpdateRule.Method {
    /// Adam with its usual numbers (Kingma and Ba 2015).
    public static var adam: Self { .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0) }
    /// AdamW with its usual numbers (Loshchilov and Hutter 2019).
    public static var adamW: Self { .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01) }
    /// Stochastic gradient descent without momentum.
    public static var sgd: Self { .sgd(momentum: 0, nesterov: false, weightDecay: 0) }
}

extension TrainingSettings {
    /// Training settings; what is left out is as in a definition that leaves it out.
    ///
    /// - Parameters:
    ///   - optimizer: how parameters follow their gradients.
    ///   - clipNorm: largest L2 norm of the gradient; nil does not clip.
    ///   - averageDecay: decay of a moving average of the parameters, which evaluation and sampling then use; nil keeps none.
    ///   - warmupSteps: steps over which the learning rate rises linearly.
    ///   - validationCount: images kept from the training split for validation.
    ///   - patience: epochs without improvement after which training stops; nil never stops early.
    ///   - onlyClass: the class whose images alone are trained on; nil for all.
    ///   - augmentation: how training images are changed each time they are seen; nil for images as they are.
    public init(
        optimizer: UpdateRule.Method = .adam, learningRate: Float = 1e-3, clipNorm: Float? = nil,
        averageDecay: Float? = nil, schedule: Schedule = .constant, warmupSteps: Int = 0, batchSize: Int = 128,
        epochs: Int = 10, validationCount: Int = 0, patience: Int? = nil, onlyClass: Int? = nil,
        augmentation: Augmentation? = nil, precision: Precision = .f32, convolution: ConvolutionMethod = .fast
    ) {
        self.init(
            update: UpdateRule(method: optimizer, clipNorm: clipNorm, averageDecay: averageDecay),
            learningRate: learningRate, schedule: schedule, warmupSteps: warmupSteps, batchSize: batchSize,
            epochs: epochs, validationCount: validationCount, patience: patience, onlyClass: onlyClass,
            augmentation: augmentation, precision: precision, convolution: convolution)
    }
}

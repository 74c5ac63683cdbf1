/// A loss of one pixel that a plug-in defines: the negative log-likelihood of `target` under `prediction`, in nats.
public protocol PixelLoss: Sendable {
    /// The name in a definition file.
    var name: String { get }

    /// The loss and its derivative with respect to the prediction (after the link function).
    func valueAndDerivative<Element: BinaryFloatingPoint>(
        prediction: Element, target: Element
    ) -> (value: Element, derivative: Element)
}

/// How a reconstruction is compared with its image. All are summed over pixels, in nats per image.
public enum Likelihood: Sendable {
    /// −Σ x·log p + (1 − x)·log(1 − p), computed from the logits log p/(1 − p).
    case bernoulli
    /// ½‖x − x̂‖²: a Gaussian of unit variance without its constant ½·D·log 2π.
    case gaussian
    /// ½‖x − x̂‖²/σ² + D·log σ, with one learned log σ shared by all pixels, without the constant ½·D·log 2π
    /// (Rybkin, Daniilidis and Levine, "Simple and effective VAE training with calibrated decoders", ICML 2021).
    case gaussianLearnedVariance
    /// Σ|x − x̂|: a Laplace distribution of unit scale without its constant D·log 2.
    case laplace
    /// A plug-in's.
    case custom(any PixelLoss)
}

/// A weighted sum of likelihood terms over one prediction.
public struct ReconstructionLoss: Sendable {
    public struct Term: Sendable {
        public var likelihood: Likelihood
        public var weight: Float

        public init(_ likelihood: Likelihood, weight: Float = 1) {
            self.likelihood = likelihood
            self.weight = weight
        }
    }

    /// What turns the decoder's last pre-activation into the prediction x̂.
    public enum Link: Hashable, Sendable {
        case identity
        /// The decoder ends in a sigmoid; losses are computed from its logits.
        case sigmoid
    }

    public var terms: [Term]
    public var link: Link

    public init(terms: [Term], link: Link) {
        self.terms = terms
        self.link = link
    }

    /// Whether a parameter log σ (a scalar) takes part.
    public var learnsVariance: Bool {
        terms.contains { if case .gaussianLearnedVariance = $0.likelihood { true } else { false } }
    }
}

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

/// What the KL divergence KL(q(z|x) ‖ N(0, I)) = ½ Σ_d (μ² + σ² − 1 − log σ²) does to the loss.
///
/// The weight β and the capacity C change with the step, so they are not here but in `StepValues`.
public enum KLRegularizer: Hashable, Sendable {
    /// β·KL (Higgins et al., "beta-VAE", ICLR 2017); β = 1 is the VAE.
    case weighted
    /// β·|KL̄ − C| with KL̄ the mean over the batch, β usually called γ (Burgess et al., "Understanding
    /// disentangling in β-VAE", 2018, eq. 8).
    case capacity
    /// β·Σ_d max(λ, KL̄_d) with KL̄_d the mean over the batch, in nats per dimension (Kingma et al., "Improved
    /// variational inference with inverse autoregressive flow", 2016, eq. 15).
    case freeBits(nats: Float)

    /// The loss in nats per image, from the batch means of KL per dimension.
    public func loss(klPerDimension: [Double], weight: Double, capacity: Double) -> Double {
        let sum = klPerDimension.reduce(0, +)
        switch self {
        case .weighted: return weight * sum
        case .capacity: return weight * abs(sum - capacity)
        case .freeBits(let nats): return weight * klPerDimension.reduce(0) { $0 + max(Double(nats), $1) }
        }
    }

    /// The factor of ∂KL_d in the gradient, from the batch means of KL per dimension.
    public func gradientFactors(klPerDimension: [Double], weight: Double, capacity: Double) -> [Double] {
        switch self {
        case .weighted:
            return klPerDimension.map { _ in weight }
        case .capacity:
            let sum = klPerDimension.reduce(0, +)
            let sign: Double = sum > capacity ? 1 : sum < capacity ? -1 : 0
            return klPerDimension.map { _ in weight * sign }
        case .freeBits(let nats):
            return klPerDimension.map { $0 > Double(nats) ? weight : 0 }
        }
    }
}

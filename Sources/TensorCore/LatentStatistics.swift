/// Statistics of the posterior q(z|x) = N(μ(x), diag σ²(x)) over the images of a data set, per latent dimension.
///
/// D is the size of the latent space; each array without another size has D elements. A plain autoencoder has a code in
/// place of μ and no σ². `LatentTools` computes them and `Checkpoints` stores them.
public struct LatentStatistics: Sendable, Equatable {
    /// Mean of μ over the images.
    public var meanOfMean: [Double]
    /// Variance of μ over the images (divided by their number).
    public var varianceOfMean: [Double]
    /// Mean of σ² over the images; empty for a plain autoencoder.
    public var meanVariance: [Double]
    /// Mean KL divergence from the prior N(0, 1), in nats; empty for a plain autoencoder.
    public var kl: [Double]
    /// Whether the dimension carries information: its variance of μ is above 0.01 (Burda, Grosse and Salakhutdinov 2016,
    /// section 5.2).
    public var active: [Bool]
    /// How many images were seen.
    public var imageCount: Int
    /// Which split they are: `train`, `validation` or `test`.
    public var split: String
    /// The data set they are from, where it was recorded.
    public var dataset: String?
    /// The covariance of the aggregate posterior, Cov(μ) + diag(E[σ²]), D × D row-major; empty when it was not computed.
    public var covariance: [Double]
    /// Names of the F known factors of the data; empty when there are none.
    public var factors: [String]
    /// Entropy of each factor over the images in nats, the most that a dimension can tell about it, `[F]`; empty when it
    /// was not computed.
    public var factorEntropies: [Double]
    /// Mutual information of each factor and each dimension in nats, F × D row-major.
    public var mutualInformation: [Double]

    public init(
        meanOfMean: [Double], varianceOfMean: [Double], meanVariance: [Double], kl: [Double], active: [Bool],
        imageCount: Int, split: String, dataset: String? = nil, covariance: [Double] = [], factors: [String] = [],
        factorEntropies: [Double] = [], mutualInformation: [Double] = []
    ) {
        self.meanOfMean = meanOfMean
        self.varianceOfMean = varianceOfMean
        self.meanVariance = meanVariance
        self.kl = kl
        self.active = active
        self.imageCount = imageCount
        self.split = split
        self.dataset = dataset
        self.covariance = covariance
        self.factors = factors
        self.factorEntropies = factorEntropies
        self.mutualInformation = mutualInformation
    }

    /// D.
    public var latentSize: Int { meanOfMean.count }
}

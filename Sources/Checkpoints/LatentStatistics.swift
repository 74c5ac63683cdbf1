/// Statistics of the posterior q(z|x) = N(μ(x), diag σ²(x)) over the images of a data set, per latent dimension.
///
/// D is the size of the latent space; each array without another size has D elements.
public struct LatentStatistics: Sendable, Equatable {
    /// Mean of μ over the images.
    public var meanOfMean: [Double]
    /// Variance of μ over the images.
    public var varianceOfMean: [Double]
    /// Mean of σ² over the images.
    public var meanVariance: [Double]
    /// Mean KL divergence from the prior N(0, 1), in nats.
    public var kl: [Double]
    /// Whether the dimension carries information (variance of μ above a threshold; Burda et al. 2016).
    public var active: [Bool]
    /// How many images were seen.
    public var imageCount: Int
    /// Which split they are: `train`, `validation` or `test`.
    public var split: String
    /// The covariance of the aggregate posterior, D × D row-major; empty when it was not computed.
    public var covariance: [Double]
    /// Names of the F known factors of the data; empty when there are none.
    public var factors: [String]
    /// Mutual information of each factor and each dimension in nats, F × D row-major.
    public var mutualInformation: [Double]

    public init(
        meanOfMean: [Double], varianceOfMean: [Double], meanVariance: [Double], kl: [Double], active: [Bool],
        imageCount: Int, split: String, covariance: [Double] = [], factors: [String] = [],
        mutualInformation: [Double] = []
    ) {
        self.meanOfMean = meanOfMean
        self.varianceOfMean = varianceOfMean
        self.meanVariance = meanVariance
        self.kl = kl
        self.active = active
        self.imageCount = imageCount
        self.split = split
        self.covariance = covariance
        self.factors = factors
        self.mutualInformation = mutualInformation
    }
}

import LayerLibrary

/// A latent above another, which gives that one its prior (Sønderby and others 2016).
public struct LatentLevel: Sendable {
    /// From what the encoder gives below it to what its heads get.
    public var encoder: [NamedLayer]
    public var mean: NamedLayer
    public var logVariance: NamedLayer
    /// From a value of this latent to what the heads of the prior of the latent below get.
    public var prior: [NamedLayer]

    /// - Parameters:
    ///   - mean: a linear layer of as many units as there are dimensions.
    ///   - logVariance: the same.
    public init(encoder: [NamedLayer], mean: NamedLayer, logVariance: NamedLayer, prior: [NamedLayer]) {
        self.encoder = encoder
        self.mean = mean
        self.logVariance = logVariance
        self.prior = prior
    }

    /// A latent of `size` dimensions, its heads called `mean` and `log_variance` with the number of its level: 2 for the first above.
    public init(size: Int, level: Int, encoder: [NamedLayer], prior: [NamedLayer]) {
        self.init(
            encoder: encoder, mean: .layer("mean\(level)", Linear(units: size)),
            logVariance: .layer("log_variance\(level)", Linear(units: size)), prior: prior)
    }

    /// Its dimensions.
    public var size: Int { (mean.layer as? Linear)?.units ?? 0 }

    /// The most that a definition has.
    package static let limit = 8
}

extension ModelDefinition {
    /// The dimensions of each latent, from the one nearest to the image upwards.
    public var latentSizes: [Int] { [latent.size] + levels.map(\.size) }
}

import ModelKit
import TensorCore

/// A part of latent space to draw from.
public enum LatentRegion: Sendable, Equatable {
    /// N(0, I).
    case prior
    /// The Gaussian with the mean and covariance of the aggregate posterior, the mixture of all q(z|x).
    case aggregate
    /// A mixture of Gaussians fitted to the codes of images.
    case mixture(components: Int)
    /// The aggregate posterior itself: a random image's q(z|x).
    case posterior
    /// Directions evenly on the sphere of a radius.
    case shell(radius: Double)
    /// Each dimension uniformly from a range.
    case box(ClosedRange<Double>)
    /// N(μ(x), deviation²·I) around an image of the data set.
    case near(index: Int, deviation: Double)
    /// The posterior of a class: q(z|x) of a random image of it.
    case label(String)

    /// Whether the encoder has to look at images of a data set.
    public var needsImages: Bool {
        switch self {
        case .prior, .shell, .box: false
        case .aggregate, .mixture, .posterior, .near, .label: true
        }
    }

    /// Whether it is a Gaussian or a mixture of Gaussians, whose deviations a temperature multiplies.
    public var hasDeviation: Bool {
        switch self {
        case .shell, .box: false
        case .prior, .aggregate, .mixture, .posterior, .near, .label: true
        }
    }
}

extension LatentRegion {
    /// What images are encoded to, the prior and its approximation, spheres inside, on and outside the one near which nearly all
    /// of the prior's mass lies, and a box.
    public static func usual(for definition: ModelDefinition) -> [LatentRegion] {
        let radius = Double(definition.latentSize).squareRoot()
        let shells = [0.5, 1, 2].map { LatentRegion.shell(radius: (radius * $0 * 100).rounded() / 100) }
        guard definition.hasPrior else { return [.aggregate] + shells }
        return (definition.isVariational ? [.posterior] : []) + [.aggregate, .prior] + shells + [.box(-3...3)]
    }
}

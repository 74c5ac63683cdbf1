import Glibc
import ModelKit
import Planning
import TensorCore
import TextSupport

/// What samples of one region of latent space are like; means over the samples.
public struct RegionAnalysis: Sendable, Equatable {
    /// The region, for people.
    public let name: String
    public let sampleCount: Int
    /// ‖z‖.
    public let latentNorm: Double
    /// From the smallest to the largest ‖z‖; nil where that is not known.
    public let latentNorms: ClosedRange<Double>?
    /// ‖x̂ − x‖ to the nearest training image, pixels from 0 to 1; nil without training images.
    public let nearestDistance: Double?
    /// Nats per pixel; nil where the decoder's numbers are no probabilities.
    public let entropy: Double?
    /// Mean absolute difference of neighbouring pixels.
    public let sharpness: Double
    /// Mean ‖x̂ᵢ − x̂ᵢ₊₁‖ of successive samples.
    public let diversity: Double
    /// ‖z − μ(decode(z))‖ over the dimensions that were asked for: how well the encoder finds the latent vector again.
    public let cycleError: Double

    /// Decodes the latent vectors, encodes what comes out, and measures.
    ///
    /// - Parameters:
    ///   - dimensions: those that the cycle error is over. No encoder finds what the decoder ignores, so an inactive dimension
    ///     would add the norm of its noise.
    ///   - hasProbabilities: whether the decoder's numbers are probabilities of Bernoulli pixels.
    ///   - training: images to be near to; nil to leave that out.
    /// - Throws: `ZooError` for latent vectors of another size than the model's, and naming the first tensor that is not finite,
    ///   where a decoded or encoded number is not.
    public init(
        name: String, latents: [[Float]], dimensions: [Int], plan: InferencePlan, hasProbabilities: Bool,
        training: NearestImages?
    ) throws {
        let images = try plan.decode(latents)
        let found = try plan.encode(images).mean
        let count = Double(max(1, latents.count))
        self.name = name
        sampleCount = latents.count
        let norms = latents.map { ImageDistance.euclidean($0, [Float](repeating: 0, count: $0.count)) }
        latentNorm = norms.reduce(0, +) / count
        latentNorms = norms.min().flatMap { smallest in norms.max().map { smallest...max(smallest, $0) } }
        nearestDistance = try training.map { try $0.distances(from: images).reduce(0, +) / count }
        entropy = hasProbabilities ? images.reduce(0) { $0 + ImageMeasures.bernoulliEntropy($1) } / count : nil
        let shape = plan.definition.input
        sharpness = images.reduce(0) { $0 + ImageMeasures.sharpness($1, shape: shape) } / count
        diversity = ImageMeasures.diversity(images)
        cycleError =
            zip(latents, found).reduce(0) { sum, pair in
                sum + ImageDistance.euclidean(dimensions.map { pair.0[$0] }, dimensions.map { pair.1[$0] })
            } / count
    }

    /// Measures that are known.
    public init(
        name: String, sampleCount: Int, latentNorm: Double, latentNorms: ClosedRange<Double>? = nil,
        nearestDistance: Double?, entropy: Double?, sharpness: Double, diversity: Double, cycleError: Double
    ) {
        self.name = name
        self.sampleCount = sampleCount
        self.latentNorm = latentNorm
        self.latentNorms = latentNorms
        self.nearestDistance = nearestDistance
        self.entropy = entropy
        self.sharpness = sharpness
        self.diversity = diversity
        self.cycleError = cycleError
    }
}

extension RegionAnalysis {
    /// The measures as one object.
    public var json: JSONValue {
        [
            "region": name, "samples": sampleCount, "latent_norm": latentNorm,
            "latent_norm_range": latentNorms.map { JSONValue([$0.lowerBound, $0.upperBound]) },
            "nearest_training_distance": nearestDistance, "pixel_entropy": entropy, "sharpness": sharpness,
            "diversity": diversity, "cycle_error": cycleError,
        ]
    }
}

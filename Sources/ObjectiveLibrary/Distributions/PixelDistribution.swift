import LayerLibrary
import TensorCore

/// A likelihood p(x|z) with parameters of its own: what the decoder gives is not the image but, for each pixel, the parameters of a
/// distribution.
///
/// Likelihoods of one number per pixel that can be mixed with others are `PixelLoss`es.
public protocol PixelDistribution: Sendable {
    /// What definitions call it, for instance `continuous_bernoulli`.
    var name: String { get }

    /// Its settings under the names that definitions have for them.
    var fields: [String: FieldValue] { get }

    /// Whether the decoder may end in a sigmoid, of which the distribution then takes the logits.
    var takesLogits: Bool { get }

    /// The shape of the parameters of one image: what the decoder has to give, as this shape or as many numbers.
    ///
    /// - Throws: `ZooError` for images that it is not made for.
    func parameterShape(for image: Shape) throws -> Shape

    /// −log p(x|parameters) of each image in nats, `[]`: parameters in the shape above and images, with values from 0 to 1.
    func loss(_ parameters: TensorID, images: TensorID, into builder: inout GraphBuilder) throws -> TensorID

    /// The image that is shown: the mean of the distribution.
    func mean(_ parameters: TensorID, image: Shape, into builder: inout GraphBuilder) throws -> TensorID

    /// Whether p is a probability of bytes and not a density, so that bits per dimension can be compared.
    var isDiscrete: Bool { get }
}

extension PixelDistribution {
    public var fields: [String: FieldValue] { [:] }
    public var takesLogits: Bool { false }
    public var isDiscrete: Bool { false }
}

/// A distribution as definitions know it.
public struct DistributionDescriptor: Sendable {
    /// The name in a definition's `objective.reconstruction`.
    public var name: String
    /// One sentence.
    public var summary: String
    /// The paper and the equation.
    public var source: String
    public var fields: [FieldSchema]
    public var make: @Sendable (FieldValues) throws -> any PixelDistribution

    public init(
        name: String, summary: String, source: String, fields: [FieldSchema] = [],
        make: @escaping @Sendable (FieldValues) throws -> any PixelDistribution
    ) {
        self.name = name
        self.summary = summary
        self.source = source
        self.fields = fields
        self.make = make
    }
}

/// The distributions that definitions can use without plug-ins, sorted by name.
public let builtInDistributions: [DistributionDescriptor] = [
    ContinuousBernoulli.descriptor, DiscretizedLogisticMixture.descriptor, GaussianPixelVariance.descriptor,
]

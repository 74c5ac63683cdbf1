import ImageFiles
import ModelFigures
import ModelKit
import Planning
import TensorCore

/// Decodes one latent vector at a time with a plan of its own, so that a slider never waits for other work on its model.
actor LiveDecoder {
    private let pictures: Pictures

    /// - Throws: `ZooError` for a model whose inputs are vectors, or weights that do not fit it.
    init(_ definition: ModelDefinition, weights: [NamedTensor], scaling: ValueScaling?) throws {
        pictures = try Pictures(InferencePlan(definition, weights: weights, batchSize: 1), scaling: scaling)
    }

    /// Takes other weights of the same model.
    ///
    /// - Throws: `ZooError` where they do not fit.
    func load(_ weights: [NamedTensor]) throws { try pictures.plan.load(weights) }

    /// The picture of a latent vector, bytes in H W C order.
    ///
    /// - Throws: `ZooError` for a vector of another size, and a class that there is not.
    func decode(_ latent: [Float], imageClass: Int?) throws -> [UInt8] {
        try pictures.decoded([latent], classes: imageClass.map { [$0] }).flatMap(\.pixels)
    }
}

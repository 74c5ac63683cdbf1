import ModelKit
import TensorCore

/// A model's encoder and decoder, each by itself, layers in evaluation mode.
public final class InferencePlan {
    public let definition: ModelDefinition
    private let encoder: CompiledModel
    private let decoder: CompiledModel
    private let engine: any Engine
    public let batchSize: Int

    /// - Throws: `ZooError` where the engine cannot run the model, or the weights do not fit it.
    public init(
        _ definition: ModelDefinition, weights: [NamedTensor], batchSize: Int = 64, engine: any Engine
    ) throws {
        self.definition = definition
        self.batchSize = batchSize
        self.engine = engine
        encoder = try CompiledModel(definition, purpose: .encoding, batchSize: batchSize, engine: engine)
        decoder = try CompiledModel(definition, purpose: .decoding, batchSize: batchSize, engine: engine)
        try load(weights)
    }

    /// - Throws: `ZooError` that lists everything missing, of another shape or not finite.
    public func load(_ weights: [NamedTensor]) throws {
        try encoder.load(weights)
        try decoder.load(weights)
    }

    /// μ (or the code) and log σ² of images of bytes in H W C order, one row of D numbers per image; log σ² is empty for a
    /// plain autoencoder.
    ///
    /// - Throws: `ZooError` for bytes that are no whole number of images, and naming the first tensor that is not finite, where one
    ///   of the numbers is not.
    public func encode(_ pixels: [UInt8]) throws -> (mean: [[Float]], logVariance: [[Float]]) {
        let imageSize = definition.input.count
        guard pixels.count.isMultiple(of: imageSize) else {
            throw ZooError(
                "\(pixels.count) bytes are no whole number of images: \(definition.name) takes \(definition.input), "
                    + "\(imageSize) bytes each")
        }
        return try encode(imageCount: pixels.count / imageSize) { first, count, compiled, images in
            pixels.withUnsafeBufferPointer {
                compiled.writeImages(
                    UnsafeBufferPointer(rebasing: $0[first * imageSize..<(first + count) * imageSize]), to: images)
            }
        }
    }

    /// μ (or the code) and log σ² of images as `decode` gives them: one row of C·H·W numbers from 0 to 1 per image.
    ///
    /// - Throws: `ZooError` for an image of another size, and as `encode` of bytes.
    public func encode(_ images: [[Float]]) throws -> (mean: [[Float]], logVariance: [[Float]]) {
        try require(images, "image", size: definition.input.count, "\(definition.name) takes \(definition.input)")
        return try encode(imageCount: images.count) { first, count, compiled, input in
            compiled.write(images[first..<first + count].flatMap { $0 }, to: input)
        }
    }

    /// - Parameter write: fills the input of a program with `count` images from number `first` on.
    private func encode(
        imageCount: Int, write: (_ first: Int, _ count: Int, any CompiledProgram, TensorID) -> Void
    ) throws -> (mean: [[Float]], logVariance: [[Float]]) {
        let size = definition.latentSize
        var means: [[Float]] = []
        var logVariances: [[Float]] = []
        for start in stride(from: 0, to: imageCount, by: batchSize) {
            let count = min(batchSize, imageCount - start)
            let found = try run(
                encoder, imageCount: count, [(encoder.graph.mean, size), (encoder.graph.logVariance, size)]
            ) {
                if let images = $0.graph.images { write(start, count, $0.compiled, images) }
            }
            means += found[0]
            logVariances += found[1]
        }
        return (means, logVariances)
    }

    /// x̂ in C H W order, one row of C·H·W numbers (0…1 where the decoder ends in a sigmoid) per latent vector of D numbers.
    ///
    /// - Throws: `ZooError` for a latent vector of another size, and naming the first tensor that is not finite, where one of the
    ///   numbers is not.
    public func decode(_ latents: [[Float]]) throws -> [[Float]] {
        try require(
            latents, "latent vector", size: definition.latentSize,
            "\(definition.name) has \(definition.latentSize) latent dimensions")
        var images: [[Float]] = []
        for start in stride(from: 0, to: latents.count, by: batchSize) {
            let batch = latents[start..<min(start + batchSize, latents.count)]
            images += try run(
                decoder, imageCount: batch.count, [(decoder.graph.reconstruction, definition.input.count)]
            ) {
                if let latent = $0.graph.latent { $0.compiled.write(batch.flatMap { $0 }, to: latent) }
            }[0]
        }
        return images
    }

    /// - Throws: `ZooError` for the first row of another size.
    private func require(_ rows: [[Float]], _ what: String, size: Int, _ expected: String) throws {
        guard let index = rows.firstIndex(where: { $0.count != size }) else { return }
        throw ZooError("\(what) \(index) has \(rows[index].count) numbers, but \(expected)")
    }

    /// Runs a batch and gives the rows of each of `outputs`; none for one that the model does not have.
    ///
    /// - Parameter fill: gives a model the batch.
    private func run(
        _ model: CompiledModel, imageCount: Int, _ outputs: [(id: TensorID?, size: Int)], fill: (CompiledModel) -> Void
    ) throws -> [[[Float]]] {
        let values = StepValues(imageCount: imageCount)
        fill(model)
        model.compiled.run(values)
        return try outputs.map { id, size in
            guard let id else { return [] }
            let numbers = model.compiled.read(id)
            guard numbers.prefix(imageCount * size).allSatisfy(\.isFinite) else {
                throw try model.nonFiniteResult(imageCount: imageCount, values, engine: engine, fill: fill)
            }
            return (0..<imageCount).map { Array(numbers[$0 * size..<($0 + 1) * size]) }
        }
    }
}

import ModelKit
import TensorCore

/// A model's encoder and decoder, each by itself, layers in evaluation mode.
public final class InferencePlan {
    public let definition: ModelDefinition
    private let encoder: CompiledModel
    private let decoder: CompiledModel
    public let batchSize: Int

    /// - Throws: `ZooError` where the engine cannot run the model, or the weights do not fit it.
    public init(
        _ definition: ModelDefinition, weights: [NamedTensor], batchSize: Int = 64, engine: any Engine
    ) throws {
        self.definition = definition
        self.batchSize = batchSize
        encoder = try CompiledModel(definition, purpose: .encoding, batchSize: batchSize, engine: engine)
        decoder = try CompiledModel(definition, purpose: .decoding, batchSize: batchSize, engine: engine)
        try load(weights)
    }

    /// - Throws: `ZooError` that lists everything missing or of another shape.
    public func load(_ weights: [NamedTensor]) throws {
        try encoder.load(weights)
        try decoder.load(weights)
    }

    /// μ (or the code) and log σ² of images of bytes in H W C order, one row of D numbers per image; log σ² is empty for a
    /// plain autoencoder.
    ///
    /// - Throws: `ZooError` for bytes that are no whole number of images.
    public func encode(_ pixels: [UInt8]) throws -> (mean: [[Float]], logVariance: [[Float]]) {
        let imageSize = definition.input.count
        guard pixels.count.isMultiple(of: imageSize) else {
            throw ZooError(
                "\(pixels.count) bytes are no whole number of images: \(definition.name) takes \(definition.input), "
                    + "\(imageSize) bytes each")
        }
        return encode(imageCount: pixels.count / imageSize) { first, count, images in
            pixels.withUnsafeBufferPointer {
                encoder.compiled.writeImages(
                    UnsafeBufferPointer(rebasing: $0[first * imageSize..<(first + count) * imageSize]), to: images)
            }
        }
    }

    /// μ (or the code) and log σ² of images as `decode` gives them: one row of C·H·W numbers from 0 to 1 per image.
    ///
    /// - Throws: `ZooError` for an image of another size.
    public func encode(_ images: [[Float]]) throws -> (mean: [[Float]], logVariance: [[Float]]) {
        try require(images, "image", size: definition.input.count, "\(definition.name) takes \(definition.input)")
        return encode(imageCount: images.count) { first, count, input in
            encoder.compiled.write(images[first..<first + count].flatMap { $0 }, to: input)
        }
    }

    /// - Parameter write: fills the input with `count` images from number `first` on.
    private func encode(
        imageCount: Int, write: (_ first: Int, _ count: Int, TensorID) -> Void
    ) -> (mean: [[Float]], logVariance: [[Float]]) {
        let size = definition.latentSize
        var means: [[Float]] = []
        var logVariances: [[Float]] = []
        for start in stride(from: 0, to: imageCount, by: batchSize) {
            let count = min(batchSize, imageCount - start)
            if let images = encoder.graph.images { write(start, count, images) }
            encoder.compiled.run(StepValues(imageCount: count))
            means += rows(encoder, encoder.graph.mean, count, size)
            logVariances += rows(encoder, encoder.graph.logVariance, count, size)
        }
        return (means, logVariances)
    }

    /// x̂ in C H W order, one row of C·H·W numbers (0…1 where the decoder ends in a sigmoid) per latent vector of D numbers.
    ///
    /// - Throws: `ZooError` for a latent vector of another size.
    public func decode(_ latents: [[Float]]) throws -> [[Float]] {
        try require(
            latents, "latent vector", size: definition.latentSize,
            "\(definition.name) has \(definition.latentSize) latent dimensions")
        var images: [[Float]] = []
        for start in stride(from: 0, to: latents.count, by: batchSize) {
            let batch = latents[start..<min(start + batchSize, latents.count)]
            if let latent = decoder.graph.latent { decoder.compiled.write(batch.flatMap { $0 }, to: latent) }
            decoder.compiled.run(StepValues(imageCount: batch.count))
            images += rows(decoder, decoder.graph.reconstruction, batch.count, definition.input.count)
        }
        return images
    }

    /// - Throws: `ZooError` for the first row of another size.
    private func require(_ rows: [[Float]], _ what: String, size: Int, _ expected: String) throws {
        guard let index = rows.firstIndex(where: { $0.count != size }) else { return }
        throw ZooError("\(what) \(index) has \(rows[index].count) numbers, but \(expected)")
    }

    private func rows(_ model: CompiledModel, _ id: TensorID?, _ count: Int, _ size: Int) -> [[Float]] {
        guard let id else { return [] }
        let values = model.compiled.read(id)
        return (0..<count).map { Array(values[$0 * size..<($0 + 1) * size]) }
    }
}

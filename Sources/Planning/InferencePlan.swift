import ModelKit
import TensorCore

/// What an encoder makes of images.
public struct Posterior: Sendable, Equatable {
    /// μ `[N, D]`, or the code of a plain autoencoder; of a codebook the numbers of its vectors, from 0, row by row.
    public let mean: Tensor
    /// log σ² `[N, D]`; nil where there is only a code.
    public let logVariance: Tensor?
}

/// A model's encoder and decoder, each by itself, layers in evaluation mode.
///
/// A single image is computed by a program for one image: its numbers can differ in their last bits from those that the same image
/// has in a batch.
public final class InferencePlan {
    public let definition: ModelDefinition
    private let encoder: CompiledModel
    private let decoder: CompiledModel
    /// The prior over the codes of a codebook; nil without one.
    private let codePrior: CompiledModel?
    /// The same for a single image, which need not wait for the rest of a batch; compiled when one is first asked for.
    private var single: (encoder: CompiledModel?, decoder: CompiledModel?)
    private let engine: any Engine
    public let batchSize: Int
    /// Of a conditional model, the class of every image for which none is given; nil to have one given.
    public var imageClass: Int?

    /// - Parameter batchSize: images that are computed at a time.
    /// - Throws: `ZooError` where the engine cannot run the model, or the weights do not fit it.
    public init(
        _ definition: ModelDefinition, weights: [NamedTensor], batchSize: Int = 64,
        engine: any Engine = Computing.engine
    ) throws {
        self.definition = definition
        self.batchSize = batchSize
        self.engine = engine
        encoder = try CompiledModel(definition, purpose: .encoding, batchSize: batchSize, engine: engine)
        decoder = try CompiledModel(definition, purpose: .decoding, batchSize: batchSize, engine: engine)
        codePrior =
            definition.codeCount != nil && definition.hasPrior
            ? try CompiledModel(definition, purpose: .codePrior, batchSize: batchSize, engine: engine) : nil
        try load(weights)
    }

    /// - Throws: `ZooError` that lists everything missing, of another shape or not finite.
    public func load(_ weights: [NamedTensor]) throws {
        single = (nil, nil)
        try encoder.load(weights)
        try decoder.load(weights)
        try codePrior?.load(weights)
    }

    /// The encoder for so many images: one for a single image where there is one.
    private func encoder(of imageCount: Int) throws -> CompiledModel {
        guard imageCount == 1, batchSize > 1 else { return encoder }
        if let model = single.encoder { return model }
        let model = try compiledForOne(encoder)
        single.encoder = model
        return model
    }

    /// The decoder for so many latent vectors.
    private func decoder(of count: Int) throws -> CompiledModel {
        guard count == 1, batchSize > 1 else { return decoder }
        if let model = single.decoder { return model }
        let model = try compiledForOne(decoder)
        single.decoder = model
        return model
    }

    private func compiledForOne(_ model: CompiledModel) throws -> CompiledModel {
        let one = try CompiledModel(definition, purpose: model.purpose, batchSize: 1, engine: engine)
        try one.load(model.parameters + model.buffers)
        return one
    }

    // MARK: Tensors

    /// The posteriors of images `[N, C, H, W]` (or `[N, D]`), pixels from 0 to 1.
    ///
    /// - Parameter classes: of a conditional model, the class of each image; nil for `imageClass`.
    /// - Throws: `ZooError` for images of another shape or none, and naming the first tensor that is not finite, where one of
    ///   the numbers is not.
    public func encode(_ images: Tensor, classes: [Int]? = nil) throws -> Posterior {
        try require(images, "images", definition.input)
        let size = definition.input.count
        return posterior(
            of: try encode(imageCount: images.count, classes) { first, count, compiled, input in
                compiled.write(Array(images.values[first * size..<(first + count) * size]), to: input)
            })
    }

    /// The posteriors of images of bytes in H W C order.
    ///
    /// - Throws: `ZooError` for bytes that are no whole number of images, and as `encode` of a tensor.
    public func encodeBytes(_ pixels: [UInt8], classes: [Int]? = nil) throws -> Posterior {
        let imageSize = definition.input.count
        guard pixels.count.isMultiple(of: imageSize) else {
            throw ZooError(
                "\(pixels.count) bytes are no whole number of images: \(definition.name) takes \(definition.input), "
                    + "\(imageSize) bytes each", code: .mismatch)
        }
        return posterior(
            of: try encode(imageCount: pixels.count / imageSize, classes) { first, count, compiled, images in
                pixels.withUnsafeBufferPointer {
                    compiled.writeImages(
                        .bytes(UnsafeBufferPointer(rebasing: $0[first * imageSize..<(first + count) * imageSize])),
                        to: images)
                }
            })
    }

    /// x̂ `[N, C, H, W]` (or `[N, D]`) of latent vectors `[N, D]`, from 0 to 1 where the decoder ends in a sigmoid.
    ///
    /// - Throws: `ZooError` for vectors of another size or none, and naming the first tensor that is not finite, where one of
    ///   the numbers is not.
    public func decode(_ latents: Tensor, classes: [Int]? = nil) throws -> Tensor {
        try require(latents, "latent vectors", [definition.latentSize])
        return Tensor(
            unchecked: [latents.count] + definition.input.dimensions,
            try decode(count: latents.count, classes) { range in
                Array(
                    latents.values[range.lowerBound * definition.latentSize..<range.upperBound * definition.latentSize])
            })
    }

    private func require(_ tensor: Tensor, _ what: String, _ shape: Shape) throws {
        guard tensor.count > 0 else { throw ZooError("there are no \(what)", kind: .usage, code: .mismatch) }
        guard tensor.elementShape == shape else {
            throw ZooError(
                "\(definition.name) takes \(what) of shape \(shape), not \(tensor.elementShape)", kind: .usage,
                code: .mismatch)
        }
    }

    private func posterior(of codes: (mean: [Float], logVariance: [Float])) -> Posterior {
        let size = definition.latentSize
        return Posterior(
            mean: Tensor(unchecked: [codes.mean.count / size, size], codes.mean),
            logVariance: codes.logVariance.isEmpty
                ? nil : Tensor(unchecked: [codes.logVariance.count / size, size], codes.logVariance))
    }

    // MARK: Priors

    /// The codes that are decoded as draws from N(0, I) where a flow of the posterior bends what is decoded; nil where the draws are
    /// the codes.
    ///
    /// - Throws: `ZooError` where a parameter of the flow is missing.
    public func codes(ofPriorDraws draws: [[Float]]) throws -> [[Float]]? {
        try definition.codes(ofPriorDraws: draws) { path in
            decoder.graph.program.parameters.first { decoder.graph.program[$0].name == path }.map {
                decoder.compiled.read($0)
            }
        }
    }

    /// Codes drawn from the prior over them, row by row: each given those before it. The first draws of more are the same.
    ///
    /// - Parameter temperature: what the logits are divided by; 0 takes the likeliest code everywhere.
    /// - Throws: `ZooError` (wrong usage) for a model that has learned no such prior, and naming the first tensor that is not
    ///   finite, where a logit is not.
    public func drawCodes(count: Int, seed: UInt64, temperature: Float = 1) throws -> [[Float]] {
        guard let codePrior, let codeCount = definition.codeCount else {
            throw ZooError(
                "\(definition.name) has learned no prior over its codes", kind: .usage, code: .unsupported)
        }
        let size = definition.latentSize
        let draws = CodeDraws(size: size, codeCount: codeCount, seed: seed, temperature: temperature)
        var codes: [[Float]] = []
        for start in stride(from: 0, to: count, by: batchSize) {
            let range = start..<min(start + batchSize, count)
            var batch = [Float](repeating: 0, count: range.count * size)
            for position in 0..<size {
                let logits = try run(
                    codePrior, imageCount: range.count, [(codePrior.graph.codeLogits, codeCount * size)]
                ) {
                    if let latent = $0.graph.latent { $0.compiled.write(batch, to: latent) }
                }[0]
                for (row, draw) in range.enumerated() {
                    let first = logits.startIndex + row * codeCount * size
                    let code = draws.code(draw, position, logits: logits[first..<first + codeCount * size])
                    batch[row * size + position] = Float(code)
                }
            }
            codes += (0..<range.count).map { Array(batch[$0 * size..<($0 + 1) * size]) }
        }
        return codes
    }

    // MARK: Rows

    /// μ (or the code) and log σ² of images of bytes in H W C order, one row of D numbers per image; log σ² is empty for a
    /// plain autoencoder.
    ///
    /// - Throws: as `encodeBytes`.
    public func encode(
        _ pixels: [UInt8], classes: [Int]? = nil
    ) throws -> (mean: [[Float]], logVariance: [[Float]]) {
        let posterior = try encodeBytes(pixels, classes: classes)
        return (posterior.mean.rows, posterior.logVariance?.rows ?? [])
    }

    /// μ (or the code) and log σ² of images as `decode` gives them: one row of C·H·W numbers from 0 to 1 per image.
    ///
    /// - Throws: `ZooError` for an image of another size, and as `encode` of a tensor.
    public func encode(
        _ images: [[Float]], classes: [Int]? = nil
    ) throws -> (mean: [[Float]], logVariance: [[Float]]) {
        try require(images, "image", size: definition.input.count, "\(definition.name) takes \(definition.input)")
        let codes = try encode(imageCount: images.count, classes) { first, count, compiled, input in
            compiled.write(images[first..<first + count].flatMap { $0 }, to: input)
        }
        let posterior = posterior(of: codes)
        return (posterior.mean.rows, posterior.logVariance?.rows ?? [])
    }

    /// x̂ in C H W order, one row of C·H·W numbers (0…1 where the decoder ends in a sigmoid) per latent vector of D numbers.
    ///
    /// - Throws: `ZooError` for a latent vector of another size, and as `decode` of a tensor.
    public func decode(_ latents: [[Float]], classes: [Int]? = nil) throws -> [[Float]] {
        try require(
            latents, "latent vector", size: definition.latentSize,
            "\(definition.name) has \(definition.latentSize) latent dimensions")
        let images = try decode(count: latents.count, classes) { latents[$0].flatMap { $0 } }
        return Tensor(unchecked: [latents.count] + definition.input.dimensions, images).rows
    }

    /// - Throws: `ZooError` for the first row of another size.
    private func require(_ rows: [[Float]], _ what: String, size: Int, _ expected: String) throws {
        guard let index = rows.firstIndex(where: { $0.count != size }) else { return }
        throw ZooError("\(what) \(index) has \(rows[index].count) numbers, but \(expected)", code: .mismatch)
    }

    // MARK: Batches

    /// - Parameter write: fills the input of a program with `count` images from number `first` on.
    private func encode(
        imageCount: Int, _ classes: [Int]?, write: (_ first: Int, _ count: Int, any CompiledProgram, TensorID) -> Void
    ) throws -> (mean: [Float], logVariance: [Float]) {
        let encoder = try encoder(of: imageCount)
        let chosen = try chosenClasses(classes, count: imageCount, of: encoder)
        let size = definition.latentSize
        var means: [Float] = []
        var logVariances: [Float] = []
        for start in stride(from: 0, to: imageCount, by: batchSize) {
            let count = min(batchSize, imageCount - start)
            let found = try run(
                encoder, imageCount: count, [(encoder.graph.mean, size), (encoder.graph.logVariance, size)]
            ) {
                if let images = $0.graph.images { write(start, count, $0.compiled, images) }
                writeClasses(chosen, start..<start + count, to: $0)
            }
            means += found[0]
            logVariances += found[1]
        }
        return (means, logVariances)
    }

    /// - Parameter values: the numbers of a range of latent vectors.
    private func decode(count: Int, _ classes: [Int]?, values: (Range<Int>) -> [Float]) throws -> [Float] {
        let decoder = try decoder(of: count)
        let chosen = try chosenClasses(classes, count: count, of: decoder)
        try requireCodes(values(0..<count))
        var images: [Float] = []
        images.reserveCapacity(count * definition.input.count)
        for start in stride(from: 0, to: count, by: batchSize) {
            let batch = start..<min(start + batchSize, count)
            images += try run(
                decoder, imageCount: batch.count, [(decoder.graph.reconstruction, definition.input.count)]
            ) {
                if let latent = $0.graph.latent { $0.compiled.write(values(batch), to: latent) }
                writeClasses(chosen, batch, to: $0)
            }[0]
        }
        return images
    }

    /// - Throws: `ZooError` (wrong usage) for what is no number of a vector of the codebook.
    private func requireCodes(_ latents: [Float]) throws {
        guard let codeCount = definition.codeCount,
            let wrong = latents.first(where: { !(0..<Float(codeCount)).contains($0) || $0 != $0.rounded() })
        else { return }
        throw ZooError(
            "\(wrong) is no code: those of \(definition.name) are whole numbers from 0 to \(codeCount - 1)",
            kind: .usage, code: .invalidValue)
    }

    /// The class of each of `count` images; none where the model does not ask for it.
    ///
    /// - Throws: `ZooError` (wrong usage) where a class is missing, or there is no such.
    private func chosenClasses(_ classes: [Int]?, count: Int, of model: CompiledModel) throws -> [Int32] {
        guard let input = model.graph.program.imageClass else { return [] }
        let known = 0..<model.graph.program[input].shape.count
        guard let chosen = classes ?? imageClass.map({ [Int](repeating: $0, count: count) }) else {
            throw ZooError(
                "\(definition.name) is conditional: it needs the class of each image, 0 to \(known.upperBound - 1)",
                kind: .usage, code: .mismatch, remedy: .chooseClass)
        }
        guard chosen.count == count else {
            throw ZooError("\(chosen.count) classes for \(count) images", kind: .usage, code: .mismatch)
        }
        if let wrong = chosen.first(where: { !known.contains($0) }) {
            throw ZooError(
                "there is no class \(wrong): \(definition.name) has classes 0 to \(known.upperBound - 1)", kind: .usage,
                code: .notFound)
        }
        return chosen.map { Int32($0) }
    }

    private func writeClasses(_ classes: [Int32], _ range: Range<Int>, to model: CompiledModel) {
        guard let input = model.graph.program.imageClass, !classes.isEmpty else { return }
        classes.withUnsafeBufferPointer {
            model.compiled.writeClasses(UnsafeBufferPointer(rebasing: $0[range]), to: input)
        }
    }

    /// Runs a batch and gives the numbers of each of `outputs`; none for one that the model does not have.
    ///
    /// - Parameter fill: gives a model the batch.
    private func run(
        _ model: CompiledModel, imageCount: Int, _ outputs: [(id: TensorID?, size: Int)], fill: (CompiledModel) -> Void
    ) throws -> [ArraySlice<Float>] {
        let values = StepValues(imageCount: imageCount)
        fill(model)
        model.compiled.run(values)
        return try outputs.map { id, size in
            guard let id else { return [] }
            let numbers = model.compiled.read(id).prefix(imageCount * size)
            guard numbers.allSatisfy(\.isFinite) else {
                throw try model.nonFiniteResult(imageCount: imageCount, values, engine: engine, fill: fill)
            }
            return numbers
        }
    }
}

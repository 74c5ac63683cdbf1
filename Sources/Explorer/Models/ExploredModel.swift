import Checkpoints
import Datasets
import ImageFiles
import LatentTools
import ModelFigures
import ModelKit
import Planning
import Runs
import TensorCore
import TextSupport

/// One model that is explored: the only one who computes with its plan, one thing after another.
public actor ExploredModel {
    /// What a path of codes, a drop or a search found: an image and where the encoder puts it.
    struct Encoded {
        /// Bytes in H W C order.
        var pixels: [UInt8]
        var name: String
        var label: Int?
        /// μ, or the code.
        var mean: [Float]
        /// log σ²; nil for a plain autoencoder.
        var logVariance: [Float]?
    }

    /// What sliders show.
    nonisolated let live: LiveDecoder
    private var model: TrainedModel
    private let pictures: Pictures
    /// The run that it is the newest state of, which may go on; nil for a checkpoint.
    private let run: RunFolder?
    private let registry: Registry
    private let images: SplitImages?
    /// Why there are no images.
    private let imagesProblem: String?
    private let mapCount: Int
    private var mapTask: Task<CodeMap, any Error>?
    private var neighborhoodsTask: Task<TSNE, any Error>?
    private var statistics: LatentStatistics?

    private var definition: ModelDefinition { model.definition }
    private var plan: InferencePlan { pictures.plan }
    /// What a picture of the model is like.
    private let blank: Image8
    /// Whether its images are bytes of 1 or 3 channels, so that a picture is all there is of them.
    private var hasBytes: Bool { model.checkpoint.scaling == nil && [1, 3].contains(definition.input.channels) }

    /// The most images on the map unless another number is asked for.
    public static let defaultMapCount = 2_000

    /// - Parameters:
    ///   - run: the run that the model is the newest state of: `refresh` takes what it has saved since.
    ///   - registry: what the run's definition may name.
    ///   - images: what the map shows; nil to go without.
    ///   - imagesProblem: why there are none.
    ///   - mapCount: at most so many images are on the map, evenly spread over the split.
    /// - Throws: `ZooError` for a model whose inputs are vectors, or weights that do not fit it.
    public init(
        _ model: sending TrainedModel, run: RunFolder? = nil, registry: Registry = .builtIn, images: SplitImages?,
        imagesProblem: String? = nil, mapCount: Int = defaultMapCount
    ) throws {
        try model.definition.requireContinuousCodes(for: "space to explore")
        pictures = try model.pictures()
        live = try LiveDecoder(
            model.definition, weights: model.checkpoint.inferenceWeights, scaling: model.checkpoint.scaling)
        self.run = run
        self.registry = registry
        blank = try pictures.blank()
        self.model = model
        self.images = images
        self.imagesProblem = imagesProblem
        self.mapCount = mapCount
        statistics = Self.statistics(model)
    }

    /// Those that the checkpoint keeps, where they can be used.
    private static func statistics(_ model: TrainedModel) -> LatentStatistics? {
        let stored = model.checkpoint.latentStatistics
        return stored?.latentSize == model.definition.latentSize && stored?.firstNonFinite == nil ? stored : nil
    }

    /// Takes what the run has saved since; the map is encoded anew when it is asked for.
    ///
    /// - Returns: whether there was anything.
    /// - Throws: `ZooError` where it cannot be read.
    func refresh() async throws -> Bool {
        guard let run, let newest = run.checkpoints.entries.last?.path, newest != model.path else { return false }
        let found = try TrainedModel(run.path, registry: registry)
        guard found.path != model.path, found.definition.text == definition.text else { return false }
        let weights = found.checkpoint.inferenceWeights
        try plan.load(weights)
        model = found
        statistics = Self.statistics(found)
        (mapTask, neighborhoodsTask) = (nil, nil)
        try await live.load(weights)
        return true
    }

    // MARK: What there is

    /// What the page has to know of the model.
    var summary: JSONValue {
        let step = model.checkpoint.progress
        return .object([
            ("run", JSONValue(run?.path)), ("name", .string(definition.name)), ("family", .string(definition.family)),
            ("summary", .string(definition.summary)), ("checkpoint", .string(model.source)),
            ("objective", .string(definition.objective.formula)), ("description", .string(model.subtitle)),
            ("channels", .integer(blank.channels)), ("height", .integer(blank.height)),
            ("width", .integer(blank.width)),
            ("hasBytes", .boolean(hasBytes)), ("latentSize", .integer(definition.latentSize)),
            ("isVariational", .boolean(definition.isVariational)), ("hasPrior", .boolean(definition.hasPrior)),
            ("classCount", JSONValue(definition.classCount)), ("classNames", classNames),
            ("step", JSONValue(step.map { Int($0.step) })),
            ("dataset", JSONValue(images?.dataset.info.name ?? model.dataset)),
            ("split", JSONValue(images?.split.rawValue)), ("imageCount", JSONValue(images?.dataset.count)),
            ("imagesProblem", JSONValue(imagesProblem)), ("notes", .array(model.notes.map { .string($0) })),
            (
                "dimensions",
                .array(LatentCoordinate.all(of: definition, statistics).map { $0.json(hasPrior: definition.hasPrior) })
            ),
            (
                "statisticsOf",
                JSONValue(statistics.map { "\(Formatting.grouped($0.imageCount)) \($0.split) images" })
            ),
        ])
    }

    private var classNames: JSONValue {
        guard let count = definition.classCount, let names = images?.dataset.info.classNames, names.count == count
        else { return .null }
        return .array(names.map { .string($0) })
    }

    // MARK: Decoding and encoding

    /// The pictures of latent vectors, bytes in H W C order one after another.
    ///
    /// - Throws: `ZooError` for vectors of another size, and a class that there is not.
    func decode(_ latents: [[Float]], imageClass: Int?) throws -> [UInt8] {
        guard (1...Self.mostLatents).contains(latents.count) else {
            throw ZooError(
                "one request decodes from 1 to \(Self.mostLatents) latent vectors, not \(latents.count)", kind: .usage,
                code: .limit)
        }
        let classes = imageClass.map { [Int](repeating: $0, count: latents.count) }
        return try pictures.decoded(latents, classes: classes).flatMap(\.pixels)
    }

    private static let mostLatents = 512

    /// An image of the data set and its code.
    ///
    /// - Throws: `ZooError` for a number that no image has.
    func encodeImage(_ index: Int, imageClass: Int?) throws -> Encoded {
        let image = try source().image(index)
        return try encode(image, imageClass: imageClass ?? image.label)
    }

    /// The pixels of an image of the data set.
    func pixels(ofImage index: Int) throws -> [UInt8] { try pictures.image(source().image(index).tensor[0]).pixels }

    /// The picture in the bytes of a file, cropped and resized as the model needs it, and its code.
    ///
    /// - Throws: `ZooError` for bytes that are no image.
    func encodeFile(_ bytes: [UInt8], imageClass: Int?) throws -> Encoded {
        let shape = definition.input
        guard hasBytes else {
            throw ZooError(
                "\(definition.name) takes \(shape), and a picture has bytes of 1 or 3 channels", kind: .usage,
                code: .mismatch)
        }
        // As training on a folder of pictures does; an image of the model's size is one that is prepared already.
        let plain = ImagePreparation(width: shape.width, height: shape.height, channels: shape.channels)
        let image: Image8
        do {
            image = try ImageFiles.decode(
                bytes, name: "the file", resizingTo: (model.preparation ?? plain).decodingSize)
        } catch let error as ZooError {
            throw ZooError(
                error.message, details: error.details, advice: error.advice, kind: .usage, code: .unsupported)
        }
        let isPrepared = image.width == shape.width && image.height == shape.height
        let preparation = isPrepared ? plain : model.preparation ?? plain
        return try encode(
            ChosenImage(
                tensor: Tensor(pixels: preparation.apply(to: image).pixels, shape: shape), name: "the file", index: nil),
            imageClass: imageClass)
    }

    private func encode(_ image: ChosenImage, imageClass: Int?) throws -> Encoded {
        let classes = definition.classCount == nil ? nil : imageClass.map { [$0] }
        let posterior = try plan.encode(image.tensor, classes: classes)
        return Encoded(
            pixels: try pictures.image(image.tensor[0]).pixels, name: image.name, label: image.label,
            mean: Array(posterior.mean[0]),
            logVariance: posterior.logVariance.map { Array($0[0]) })
    }

    /// Latent vectors from a region, the same as `zoo sample` draws.
    ///
    /// - Throws: `ZooError` for a region that the model or the data set does not have.
    func draw(_ region: LatentRegion, count: Int, seed: UInt64, temperature: Float) throws -> [[Float]] {
        guard (1...Self.mostLatents).contains(count), (0...100).contains(temperature) else {
            throw ZooError(
                "a count lies in 1…\(Self.mostLatents) and a temperature in 0…100, not \(count) and \(temperature)",
                kind: .usage)
        }
        let chosen = plan.imageClass
        defer { plan.imageClass = chosen }
        var source = RegionSource(
            definition, plan: plan, images: region.needsImages ? try self.source() : nil,
            pseudoInputs: model.pseudoInputs, seed: seed, temperature: temperature)
        return try source.draw(region, count: count)
    }

    private func source() throws -> SplitImages {
        guard let images else {
            throw ZooError(imagesProblem ?? "there are no images at hand", kind: .usage, code: .notFound)
        }
        return images
    }

    // MARK: For a page

    /// Whether there are images for a map.
    var hasImages: Bool { images != nil }

    /// The encoder or the decoder, its weights added to `weights`.
    ///
    /// - Throws: as `ContainedNetwork`.
    func network(
        _ purpose: ModelGraph.Purpose, into weights: inout HalfPrecisionWeights
    ) throws -> ContainedNetwork {
        guard hasBytes else {
            throw ZooError(
                [1, 3].contains(definition.input.channels)
                    ? "\(definition.name) works on real numbers, and a page holds pictures of bytes"
                    : "\(definition.name) works on \(definition.input.channels) channels, and a page holds pictures of 1 or 3",
                kind: .usage, code: .unsupported)
        }
        return try ContainedNetwork(definition, purpose: purpose, of: model.checkpoint.inferenceWeights, into: &weights)
    }

    /// The posteriors that the prior is made of; null for a prior N(0, I).
    func pseudoPosteriors() throws -> JSONValue {
        let inputs = model.pseudoInputs
        guard !inputs.isEmpty else { return .null }
        let codes = try plan.encode(inputs)
        return .array(
            zip(codes.mean, codes.logVariance).map { mean, logVariance in
                .object([("mean", JSONValue(mean)), ("logVariance", JSONValue(logVariance))])
            })
    }

    /// Images side by side, and how many are in a row.
    func sheet(ofImages indices: [Int32]) throws -> (sheet: Image8, columns: Int) {
        let (width, height, channels) = (blank.width, blank.height, blank.channels)
        let columns = max(1, Int(Double(indices.count).squareRoot().rounded(.up)))
        let rows = (indices.count + columns - 1) / columns
        var sheet = try Image8(width: columns * width, height: rows * height, channels: channels, filledWith: 255)
        var pixels = sheet.pixels
        for (place, index) in indices.enumerated() {
            let image = try self.pixels(ofImage: Int(index))
            let left = place % columns * width
            for y in 0..<height {
                let start = ((place / columns * height + y) * columns * width + left) * channels
                pixels.replaceSubrange(
                    start..<start + width * channels, with: image[y * width * channels..<(y + 1) * width * channels])
            }
        }
        sheet.pixels = pixels
        return (sheet, columns)
    }

    // MARK: The map

    /// The codes of the images, encoded when they are first asked for, a batch at a time so that sliders go on.
    ///
    /// - Throws: `ZooError` where there are no images.
    func map() async throws -> CodeMap {
        let images = try source()
        if let mapTask { return try await mapTask.value }
        let indices = Pictures.spread(images.indices, count: mapCount)
        let task = Task(executorPreference: ComputingQueue.shared) {
            try await self.encodeMap(indices, images.dataset, images.split)
        }
        mapTask = task
        do {
            return try await task.value
        } catch {
            mapTask = nil
            throw error
        }
    }

    /// The map's codes in a plane in which neighbours stay neighbours, computed when it is first asked for.
    ///
    /// - Throws: `ZooError` where there are no images, or fewer than four.
    func neighborhoods() async throws -> TSNE {
        let codes = try await map().codes
        if let neighborhoodsTask { return try await neighborhoodsTask.value }
        // Not on this actor: it takes seconds, in which all else goes on.
        let task = Task.detached(priority: .utility) { try TSNE(of: codes.means, size: codes.latentSize) }
        neighborhoodsTask = task
        return try await task.value
    }

    private func encodeMap(_ indices: [Int32], _ dataset: any Dataset, _ split: Split) async throws -> CodeMap {
        var parts: [LatentCodes] = []
        for start in stride(from: 0, to: indices.count, by: plan.batchSize) {
            let batch = Array(indices[start..<min(start + plan.batchSize, indices.count)])
            parts.append(try LatentCodes(of: dataset, indices: batch, plan: plan))
            await Task.yield()
        }
        let map = CodeMap(
            try LatentCodes(
                imageIndices: indices, latentSize: definition.latentSize, means: parts.flatMap(\.means),
                logVariances: parts.flatMap(\.logVariances)), of: dataset, split: split)
        // Those of all images of the split, where the checkpoint has them, are better than those of a part.
        if statistics == nil { statistics = map.statistics }
        return map
    }
}

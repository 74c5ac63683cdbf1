import Datasets
import Figures
import LatentTools
import ModelKit
import Planning
import TensorCore
import Training

/// The pictures of a run's epochs: samples from the same latent vectors, the same images reconstructed, and what the
/// dimensions with most KL do.
struct RunPictures {
    private let pictures: Pictures
    private let folder: RunFolder
    private let dataset: String
    private let seed: UInt64
    /// Which split the shown images are of.
    private let split: Split
    private let indices: [Int32]
    private let pixels: [UInt8]

    private static let sampleCount = 64
    private static let imageCount = 10
    private static let traversedDimensions = 8
    private static let traversalRange = -3.0...3.0
    private static let traversalSteps = 9

    private var definition: ModelDefinition { pictures.definition }

    /// - Returns: nil for a model whose inputs are not images of 1 or 3 channels.
    /// - Throws: `ZooError` where the engine cannot run the encoder and the decoder by themselves.
    init?(_ trainer: Trainer, dataset: any Dataset, folder: RunFolder) throws {
        guard Pictures.canShow(trainer.definition) else { return nil }
        pictures = try Pictures(
            InferencePlan(trainer.definition, weights: trainer.plan.model.weights, engine: OneDNNEngine()))
        self.folder = folder
        self.dataset = dataset.info.name
        seed = trainer.seed
        split = trainer.splits.test.isEmpty ? .train : .test
        indices = Pictures.spread(trainer.splits[split], count: Self.imageCount)
        pixels = dataset.images(indices)
    }

    /// Writes the pictures of an epoch that has ended with these weights.
    func draw(_ epoch: EpochRecord, weights: [NamedTensor]) throws {
        try pictures.plan.load(weights)
        if definition.isVariational {
            let latents = LatentSampler(size: definition.latentSize, seed: seed).prior(count: Self.sampleCount)
            try write(
                try pictures.samples(latents, words: words("Samples from the prior", epoch, ["seed \(seed)"])),
                "samples",
                epoch)
            try write(try traversal(epoch), "traversal", epoch)
        }
        guard !pixels.isEmpty else { return }
        let reconstructions = try pictures.reconstructions(
            pixels, names: indices.map { "\($0)" },
            words: words("Images and their reconstructions", epoch, ["\(split.rawValue) images"]))
        try write(reconstructions.grid, "reconstructions", epoch)
    }

    /// Writes a picture of an epoch, smaller than a slide: the pictures take time from training.
    private func write(_ grid: ImageGrid, _ kind: String, _ epoch: EpochRecord) throws {
        var grid = grid
        grid.room = FigureRectangle(x: 0, y: 0, width: 1280, height: 720)
        let digits = String(epoch.epoch)
        let number = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        try grid.write(to: "\(folder.pictures)/\(kind)-epoch-\(number).png")
    }

    private func traversal(_ epoch: EpochRecord) throws -> ImageGrid {
        let size = definition.latentSize
        let kl = epoch.klPerDimension
        let order = (0..<size).sorted { ((kl?[$0] ?? 0), $1) > ((kl?[$1] ?? 0), $0) }
        let traversal = try LatentTraversal(
            start: [Float](repeating: 0, count: size), dimensions: Array(order.prefix(Self.traversedDimensions)),
            steps: Self.traversalSteps, spacing: { _ in .even(Self.traversalRange) })
        let figure = TraversalFigure(
            traversal: traversal, range: .values(Self.traversalRange),
            captions: traversal.rows.map { TraversalFigure.caption($0.dimension, kl: kl?[$0.dimension]) })
        return try pictures.traversal(
            figure, words: words("What each latent dimension does", epoch, ["start z = 0", "most KL first"]))
    }

    private func words(_ title: String, _ epoch: EpochRecord, _ details: [String]) -> FigureWords {
        let loss = EpochSummary(epoch).loss
        return FigureWords(
            title: "\(title), epoch \(epoch.epoch)",
            subtitle: FigureWords.subtitle(definition, dataset: dataset, loss: (loss.split, loss.means.loss)),
            footer: FigureWords.line(details + [folder.path, "step \(Formatting.grouped(epoch.step))"]))
    }

    /// The pictures of all epochs as an animation, samples or else reconstructions; nil if there are fewer than two.
    ///
    /// - Throws: `ZooError` where a picture cannot be read.
    func animation() throws -> AnimationGIF? {
        try TrainingAnimation.made(
            of: folder.epochPictures(definition.isVariational ? "samples" : "reconstructions"))
    }
}

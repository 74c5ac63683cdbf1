import Datasets
import Figures
import LatentTools
import ModelFigures
import ModelKit
import Planning
import TensorCore
import TextSupport
import Training

/// The pictures of a run's epochs: samples from the same latent vectors, the same images (or vectors) reconstructed, and what
/// the dimensions with most KL do.
public struct RunPictures {
    private let drawing: ModelDrawing
    private var plan: InferencePlan { drawing.plan }
    private let folder: RunFolder
    private let dataset: String
    private let seed: UInt64
    /// Which split the shown images are of.
    private let split: Split
    private let indices: [Int32]
    private let images: Tensor
    /// Of those images, for a conditional model.
    private let classes: [Int]?
    private let writer = BackgroundWriter()

    private static let sampleCount = 64
    private static let imageCount = 10
    /// Samples and vectors of data of a figure in which each is a point or a curve.
    private static let vectorCount = 1000
    private static let traversedDimensions = 8
    private static let traversalRange = -3.0...3.0
    private static let traversalSteps = 9

    private var definition: ModelDefinition { plan.definition }

    /// - Throws: `ZooError` where the engine cannot run the encoder and the decoder by themselves.
    public init(_ trainer: Trainer, dataset: any Dataset, folder: RunFolder) throws {
        drawing = try ModelDrawing(
            InferencePlan(trainer.definition, weights: trainer.plan.model.inferenceWeights),
            scaling: dataset.valueScaling)
        let isVector = dataset.info.isVector
        self.folder = folder
        self.dataset = dataset.info.name
        seed = trainer.seed
        split = trainer.splits.test.isEmpty ? .train : .test
        indices = Pictures.spread(trainer.splits[split], count: isVector ? Self.vectorCount : Self.imageCount)
        images = try dataset.tensor(indices)
        classes = drawing.plan.classes(of: indices, in: dataset)
    }

    /// Writes the pictures of an epoch that has ended with these weights.
    public func draw(_ epoch: EpochRecord, weights: [NamedTensor]) throws {
        try plan.load(weights)
        let number = Self.digits(epoch.epoch, 4)
        if definition.hasPrior {
            try write(try samples(words(Self.samplesTitle, epoch, ["seed \(seed)"])), "samples", number)
            if definition.codeCount == nil { try write(try traversal(epoch), "traversal", number) }
        }
        if let grid = try reconstructions(words(reconstructionsTitle, epoch, ["\(split.rawValue) images"])) {
            try write(grid, "reconstructions", number)
        }
    }

    /// Whether there is a picture after so many steps of the first epoch: 10, 20, 50, 100, 200, 500 …
    public static func areDue(step: Int) -> Bool {
        var power = 10
        while power <= step / 10 { power *= 10 }
        return [1, 2, 5].contains { step == $0 * power }
    }

    /// Writes a picture of a step of the first epoch, so that a short run has an animation, too.
    public func draw(_ step: StepRecord, weights: [NamedTensor]) throws {
        try plan.load(weights)
        let words = FigureWords(
            title: "\(definition.hasPrior ? Self.samplesTitle : reconstructionsTitle), step "
                + Formatting.grouped(step.step),
            subtitle: FigureWords.subtitle(definition, dataset: dataset, loss: ("training", step.current.loss)),
            footer: FigureWords.line(
                [definition.hasPrior ? "seed \(seed)" : "\(split.rawValue) images", folder.path]))
        let number = Self.digits(step.step, 10)
        if definition.hasPrior {
            try write(try samples(words), "samples", "0001-step-\(number)")
        } else if let grid = try reconstructions(words) {
            try write(grid, "reconstructions", "0001-step-\(number)")
        }
    }

    private static let samplesTitle = "Samples from the prior"
    private var reconstructionsTitle: String {
        "\(definition.input.rank == 1 ? "Vectors" : "Images") and their reconstructions"
    }

    private func samples(_ words: FigureWords) throws -> any Figure {
        var count = Self.sampleCount
        if case .vectors = drawing { count = Self.vectorCount }
        return Self.small(
            try drawing.samples(
                plan.priorDraws(LatentSampler(size: definition.latentSize, seed: seed), count: count),
                data: images.count > 0 ? images : nil, words: words))
    }

    /// nil where there are no images to show.
    private func reconstructions(_ words: FigureWords) throws -> (any Figure)? {
        guard images.count > 0 else { return nil }
        return Self.small(
            try drawing.reconstructions(images, classes: classes, names: indices.map { "\($0)" }, words: words).figure)
    }

    /// Smaller than a slide: the pictures take time from training.
    private static func small(_ figure: any Figure) -> any Figure {
        guard var grid = figure as? ImageGrid else { return figure }
        grid.room = FigureRectangle(x: 0, y: 0, width: 1280, height: 720)
        return grid
    }

    private func write(_ figure: any Figure, _ kind: String, _ epoch: String) throws {
        try writer.write(figure, to: "\(folder.pictures)/\(kind)-epoch-\(epoch).png")
    }

    /// A number with zeros before it.
    private static func digits(_ number: Int, _ count: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }

    private func traversal(_ epoch: EpochRecord) throws -> any Figure {
        let size = definition.latentSize
        let kl = epoch.klPerDimension
        let order = (0..<size).sorted { ((kl?[$0] ?? 0), $1) > ((kl?[$1] ?? 0), $0) }
        let traversal = try LatentTraversal(
            start: [Float](repeating: 0, count: size), dimensions: Array(order.prefix(Self.traversedDimensions)),
            steps: Self.traversalSteps, spacing: { _ in .even(Self.traversalRange) })
        let figure = TraversalFigure(
            traversal: traversal, range: .values(Self.traversalRange),
            captions: traversal.rows.map { TraversalFigure.caption($0.dimension, kl: kl?[$0.dimension]) })
        // Of a conditional model, the first class.
        let isConditional = definition.classCount != nil
        plan.imageClass = isConditional ? 0 : nil
        defer { plan.imageClass = nil }
        let words = words(
            "What each latent dimension does", epoch,
            ["start z = 0", "most KL first"] + (isConditional ? ["class 0"] : []))
        return Self.small(try drawing.traversal(figure, words: words))
    }

    private func words(_ title: String, _ epoch: EpochRecord, _ details: [String]) -> FigureWords {
        let loss = EpochSummary(epoch).loss
        return FigureWords(
            title: "\(title), epoch \(epoch.epoch)",
            subtitle: FigureWords.subtitle(definition, dataset: dataset, loss: (loss.split, loss.means.loss)),
            footer: FigureWords.line(details + [folder.path, "step \(Formatting.grouped(epoch.step))"]))
    }

    /// Waits until all pictures are written.
    ///
    /// - Throws: `ZooError` where one could not be.
    public func finish() throws { try writer.finish() }

    /// The pictures of all epochs as an animation, samples or else reconstructions; nil if there are fewer than two. And why files
    /// are left out.
    public func animation() -> (animation: AnimationGIF?, problems: [String]) {
        TrainingAnimation.made(of: folder.epochPictures(definition.hasPrior ? "samples" : "reconstructions"))
    }
}

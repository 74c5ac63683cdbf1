import Datasets
import Figures
import ImageFiles
import ModelFigures
import ModelKit
import Runs
import TensorCore
import TextSupport
import Training

/// The figures of a comparison, each also to be had by itself.
public enum ComparisonFigure: String, CaseIterable {
    case loss
    case reconstruction
    case kl
    case trainingLoss = "training-loss"
    case samples
    case reconstructions
    case manifolds
    case traversals
}

extension Comparison {
    /// The models and data sets of a figure, and what the models have in common.
    private var subject: String {
        let objectives = Set(models.map(\.definition.objective.formula))
        let sizes = Set(models.map(\.definition.latentSize))
        return FigureWords.line(
            Set(models.map(\.definition.name)).sorted() + datasets
                + (objectives.count == 1 ? Array(objectives) : [])
                + (sizes.count == 1 ? sizes.map { "z = \($0)" } : []))
    }

    /// Where a figure comes from: images and the checkpoint of each model.
    private func origin(_ figure: ComparisonFigure) -> String {
        let images = "images \(inputs.shown.map(String.init).joined(separator: ", "))"
        let checkpoints = models.map { "\($0.label): \($0.trained.provenance.joined(separator: ", "))" }
        return FigureWords.line((figure == .reconstructions ? [images] : []) + checkpoints)
    }

    /// A figure as a picture file.
    ///
    /// - Throws: `ZooError` where none of the models has what it shows.
    public func write(_ figure: ComparisonFigure, to path: String) throws {
        guard var curves = curves(figure) else { return try grid(figure).write(to: path) }
        curves.subtitle = subject
        curves.footer = origin(figure)
        try curves.write(to: path)
    }

    // MARK: Curves

    /// Curves over the epochs, one for each model; nil for figures that are no curves.
    public func curves(_ figure: ComparisonFigure) -> CurveFigure? {
        let value: (EpochSummary) -> Double
        let title: String
        switch figure {
        case .loss: (title, value) = ("Loss, \(split) images", { $0.loss.means.loss })
        case .reconstruction: (title, value) = ("Reconstruction, \(split) images", { $0.loss.means.reconstruction })
        case .kl: (title, value) = ("KL divergence, \(split) images", { $0.loss.means.kl })
        case .trainingLoss: (title, value) = ("Loss, training images", { $0.train.loss })
        default: return nil
        }
        // A model keeps its colour in figures that leave others out.
        let shown = models.enumerated().filter { figure != .kl || $0.element.definition.isVariational }
        if figure == .trainingLoss, shown.allSatisfy({ !$0.element.history.steps.isEmpty }) {
            return CurveFigure(
                title: title, xLabel: "step", yLabel: "nats per image",
                series: shown.map { index, model in
                    CurveFigure.Series(
                        name: model.label,
                        points: model.history.steps.map { CurveFigure.Point(x: Double($0.step), y: $0.train.loss) },
                        styleIndex: index)
                })
        }
        return CurveFigure(
            title: title, xLabel: "epoch", yLabel: "nats per image",
            series: shown.map { index, model in
                CurveFigure.Series(
                    name: model.label,
                    points: model.history.epochs.map {
                        CurveFigure.Point(x: Double($0.epoch), y: value($0))
                    }, styleIndex: index)
            })
    }

    /// KL divergence (rate) against reconstruction (distortion), a point for each model (Alemi and others 2018); nil for fewer than
    /// two models with both.
    public var rateDistortion: CurveFigure? {
        let points = models.enumerated().compactMap { index, model -> CurveFigure.Series? in
            guard model.definition.isVariational, let losses = model.history.last?.loss.means else { return nil }
            let (rate, distortion) = (losses.kl, losses.reconstruction)
            guard rate.isFinite, distortion.isFinite else { return nil }
            return CurveFigure.Series(
                name: model.label, points: [CurveFigure.Point(x: rate, y: distortion)], style: .scatter,
                styleIndex: index)
        }
        guard points.count > 1 else { return nil }
        return CurveFigure(
            title: "Rate and distortion, \(split) images", xLabel: "KL divergence, nats per image",
            yLabel: "reconstruction, nats per image", series: points)
    }

    // MARK: Pictures

    /// A picture for each model that has it.
    public func pictures(_ figure: ComparisonFigure) -> [(model: ComparedModel, picture: Image8)] {
        zip(models, pictures).compactMap { model, pictures in
            picture(figure, of: pictures).map { (model, $0) }
        }
    }

    public func picture(_ figure: ComparisonFigure, of pictures: ModelPictures) -> Image8? {
        switch figure {
        case .samples: pictures.samples
        case .reconstructions: pictures.reconstructions
        case .manifolds: pictures.manifold
        case .traversals: pictures.traversal?.picture
        case .loss, .reconstruction, .kl, .trainingLoss: nil
        }
    }

    /// What the pictures show, in a sentence.
    public func explanation(_ figure: ComparisonFigure) -> String {
        switch figure {
        case .samples:
            let sizes = Set(models.map(\.definition.latentSize))
            return "Decoded from the same draws from the prior (seed \(inputs.seed))"
                + (sizes.count > 1 ? "; a smaller latent space gets the beginning of each draw." : ".")
        case .reconstructions:
            return "The same \(inputs.shown.count) images, encoded and decoded from the posterior's mean."
        case .manifolds:
            let limit = Formatting.decimals(ModelPictures.manifoldRange.upperBound, 0)
            return "The decoder over an even grid of the latent plane, z0 from −\(limit) to \(limit) to the right, "
                + "z1 from −\(limit) to \(limit) upwards."
        case .traversals:
            let limit = Formatting.decimals(ModelPictures.traversalRange.upperBound, 0)
            return "Each row moves one latent dimension from −\(limit) to \(limit), all others being 0; the dimensions "
                + "with most KL, most first."
        case .loss, .reconstruction, .kl, .trainingLoss: return ""
        }
    }

    public static func title(_ figure: ComparisonFigure) -> String {
        switch figure {
        case .loss, .reconstruction, .kl, .trainingLoss: "Losses over the epochs"
        case .samples: "Samples from the prior"
        case .reconstructions: "Reconstructions"
        case .manifolds: "The latent plane"
        case .traversals: "Traversals of latent dimensions"
        }
    }

    /// Units of a figure for pictures beside each other.
    private static let pictureRoom = 1900
    /// About how wide a row of pictures is to be, in units of a figure, the caption left of it not counted.
    private static let rowRoom = 1200

    private func grid(_ figure: ComparisonFigure) throws -> ImageGrid {
        var shown = pictures(figure).map { (title: $0.model.label, picture: $0.picture, caption: summary($0.model)) }
        guard let first = shown.first else {
            throw ZooError(
                "none of the models has \(figure.rawValue) to show", advice: absence(figure), kind: .usage)
        }
        if figure == .reconstructions, let originals {
            shown.insert((title: "images", picture: originals, caption: ""), at: 0)
        }
        let isRow = figure == .reconstructions
        // Rows of the same length, as few as a slide has room for.
        let room = max(1, Self.pictureRoom / (first.picture.width + 20))
        let rows = (shown.count + room - 1) / room
        let columns = isRow ? 1 : (shown.count + rows - 1) / rows
        var grid = ImageGrid(images: shown.map(\.picture), columns: columns)
        grid.title = Self.title(figure)
        grid.subtitle = "\(subject)\n\(explanation(figure))"
        grid.footer = origin(figure)
        if isRow {
            grid.rowCaptions = shown.map { $0.caption.isEmpty ? $0.title : "\($0.title)\n\($0.caption)" }
        } else {
            grid.imageCaptions = shown.map { "\($0.title)\n\($0.caption)" }
        }
        // Small montages are worth enlarging on a slide, which the grid does only for single images.
        let width = (first.picture.width + 20) * columns
        let scale = isRow ? (Self.rowRoom + width / 2) / width : Int(grid.room.width) / width
        grid.scale = max(1, min(4, scale))
        return grid
    }

    /// Why there may be no picture of a kind.
    private func absence(_ figure: ComparisonFigure) -> String {
        switch figure {
        case .manifolds: "manifolds are of models with two latent dimensions; see traversals"
        case .traversals: "traversals are of models with more than two latent dimensions; see manifolds"
        case .reconstructions: "reconstructions need the data set"
        default: "plain autoencoders have no prior; see reconstructions"
        }
    }

    /// `reconstruction 79.7, KL 22.2 nats`.
    public func summary(_ model: ComparedModel) -> String {
        guard let losses = model.history.last?.loss.means else { return "" }
        let kl = model.definition.isVariational ? ", KL \(Formatting.decimals(losses.kl, 1))" : ""
        return "reconstruction \(Formatting.decimals(losses.reconstruction, 1))\(kl) nats"
    }
}

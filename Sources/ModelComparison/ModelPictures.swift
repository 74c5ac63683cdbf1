import Datasets
import Figures
import ImageFiles
import LatentTools
import Metrics
import ModelFigures
import ModelKit
import Planning
import Runs
import TensorCore

/// What one of the compared models makes of the shared inputs.
public struct ModelPictures {
    /// A square grid of decoded draws from the prior; nil for a plain autoencoder.
    public var samples: Image8?
    /// The reconstructions of the shown images in a row; nil without the data set.
    public var reconstructions: Image8?
    /// The decoder over an even grid; only of models with two latent dimensions.
    public var manifold: Image8?
    /// A row for each of the dimensions that carry most; only of models with more than two latent dimensions.
    public var traversal: (picture: Image8, dimensions: [Int])?
    /// Mean ½‖x − x̂‖² over the measured images, x̂ decoded from the posterior's mean; nil without the data set.
    public var squaredError: Double?
    /// The codes of the measured images, by which models of different seeds are ranked; nil without the data set or a posterior.
    public var ranked: UnsupervisedDisentanglementRanking.Model?

    public static let manifoldRange = -4.0...4.0
    public static let manifoldSize = 15
    public static let traversalRange = -3.0...3.0
    public static let traversalSteps = 9
    public static let traversedDimensions = 8

    /// - Throws: `ZooError` where its weights do not fit.
    public init(_ model: ComparedModel, _ inputs: SharedInputs) throws {
        let drawing = try model.trained.drawing()
        let size = model.definition.latentSize
        if let dataset = inputs.dataset, !inputs.measured.isEmpty {
            squaredError = try drawing.plan.meanSquaredError(
                dataset.tensor(inputs.measured), classes: drawing.plan.classes(of: inputs.measured, in: dataset))
            if model.definition.isVariational, size > 1 {
                let codes = try LatentCodes(of: dataset, indices: inputs.measured, plan: drawing.plan)
                ranked = .init(
                    codes: Codes(values: codes.means, size: size),
                    kl: LatentStatistics(codes, split: Split.test.rawValue, dataset: nil).kl)
            }
        }
        // Models of vectors are compared by their numbers and curves.
        guard case .images(let pictures) = drawing else { return }
        if model.definition.hasPrior {
            let noise = inputs.priorLatents(size: size)
            let latents =
                model.definition.codeCount == nil
                ? noise : try pictures.plan.drawCodes(count: noise.count, seed: inputs.seed)
            let columns = (1...max(1, latents.count)).first { $0 * $0 >= latents.count } ?? 1
            // A conditional model draws from its classes in turn, and shows one in the other pictures.
            let classes = model.definition.classCount.map { count in latents.indices.map { $0 % count } }
            samples = try .montage(of: pictures.decoded(latents, classes: classes), columns: columns)
            pictures.plan.imageClass = classes == nil ? nil : 0
            defer { pictures.plan.imageClass = nil }
            let mean = [Float](repeating: 0, count: size)
            if model.definition.codeCount != nil {
                // Between two codes is nothing that a manifold or a traversal could show.
            } else if size == 2 {
                let grid = try LatentGrid(
                    dimensions: (0, 1), size: Self.manifoldSize, spacing: .even(Self.manifoldRange), base: mean)
                manifold = try .montage(of: pictures.decoded(grid.latents), columns: grid.size, gap: 0)
            } else if size > 2 {
                let dimensions = model.dimensions(atMost: Self.traversedDimensions)
                let rows = try LatentTraversal(
                    start: mean, dimensions: dimensions, steps: Self.traversalSteps,
                    spacing: { _ in .even(Self.traversalRange) })
                let latents = rows.rows.flatMap { rows.latents(of: $0) }
                traversal = (try .montage(of: pictures.decoded(latents), columns: Self.traversalSteps), dimensions)
            }
        }
        if let dataset = inputs.dataset, !inputs.shown.isEmpty {
            let images = try dataset.tensor(inputs.shown)
            let classes = pictures.plan.classes(of: inputs.shown, in: dataset)
            reconstructions = try .montage(
                of: pictures.decoded(pictures.plan.encode(images, classes: classes).mean.rows, classes: classes),
                columns: inputs.shown.count)
        }
    }

    /// The shown images themselves, as `reconstructions` shows them; nil for vectors and images of other than 1 or 3 channels.
    public static func originals(_ inputs: SharedInputs) throws -> Image8? {
        guard let dataset = inputs.dataset, !inputs.shown.isEmpty else { return nil }
        let shape = dataset.info.shape
        guard shape.count == 3, [1, 3].contains(shape[0]) else { return nil }
        let pixels = try dataset.images(inputs.shown)
        let images = try inputs.shown.indices.map { index in
            try Image8(
                width: shape[2], height: shape[1], channels: shape[0],
                pixels: Array(pixels[index * shape.reduce(1, *)..<(index + 1) * shape.reduce(1, *)]))
        }
        return try .montage(of: images, columns: images.count)
    }
}

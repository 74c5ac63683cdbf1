import Checkpoints
import Datasets
import LatentTools
import ModelFigures
import ModelKit
import TensorCore

/// Samples of several regions of a model's latent space, measured, and where they degrade.
public struct RegionComparison {
    public let regions: [LatentRegion]
    /// A row for each region.
    public let rows: [RegionRow]
    /// The dimensions that the cycle error is over: the active ones, as far as the checkpoint knows them.
    public let dimensions: [Int]
    /// How many training images distances were measured to; nil for none.
    public let trainingCount: Int?
    /// The images that regions and distances needed; nil where nothing did.
    public let images: SplitImages?

    public var verdict: RegionVerdict { RegionVerdict(rows.map(\.analysis), of: regions) }

    /// Draws from the regions and measures what is decoded.
    ///
    /// - Parameters:
    ///   - drawing: the model's.
    ///   - regions: none for those that a model is usually asked for (`LatentRegion.usual`).
    ///   - count: samples that are measured in each region.
    ///   - shown: of these, how many the rows have for a picture.
    ///   - trainingImages: training images to measure distances to, evenly spread; 0 for none.
    ///   - images: a split of the model's data, for regions and distances that need images.
    /// - Throws: `ZooError` for a region that the model or the data set does not have, and what `images` throws.
    public init(
        _ model: TrainedModel, drawing: ModelDrawing, regions: [LatentRegion] = [], count: Int = 64, shown: Int = 10,
        trainingImages: Int = 10_000, seed: UInt64 = 0, images: () throws -> SplitImages
    ) throws {
        let definition = model.definition
        try definition.requireContinuousCodes(for: "comparison of regions")
        self.regions = regions.isEmpty ? LatentRegion.usual(for: definition) : regions
        let needsImages = trainingImages > 0 || self.regions.contains(where: \.needsImages)
        self.images = needsImages ? try images() : nil
        let training = try self.images.flatMap { images -> NearestImages? in
            guard trainingImages > 0 else { return nil }
            let train = try model.images(of: images.dataset, split: .train).indices
            return NearestImages(of: images.dataset, indices: train, count: trainingImages)
        }
        trainingCount = training?.count
        dimensions = model.activeDimensions
        var source = RegionSource(
            definition, plan: drawing.plan, images: self.images, pseudoInputs: model.pseudoInputs, seed: seed)
        var rows: [RegionRow] = []
        for region in self.regions {
            let latents = try source.draw(region, count: count)
            let analysis = try RegionAnalysis(
                name: source.name(of: region), latents: latents, dimensions: dimensions, plan: drawing.plan,
                hasProbabilities: definition.objective.isBernoulli, training: training)
            rows.append(RegionRow(analysis: analysis, latents: Array(latents.prefix(shown))))
        }
        self.rows = rows
    }
}

extension TrainedModel {
    /// The active dimensions, as far as the checkpoint knows them; else all.
    public var activeDimensions: [Int] {
        let all = Array(0..<definition.latentSize)
        guard let active = checkpoint.latentStatistics?.active, active.count == all.count else { return all }
        let found = all.filter { active[$0] }
        return found.isEmpty ? all : found
    }

    /// The statistics of the latent space that the checkpoint holds; nil where it holds none of this split.
    ///
    /// - Throws: `ZooError` where a number of them is not finite.
    public func storedStatistics(of split: Split) throws -> LatentStatistics? {
        guard let stored = checkpoint.latentStatistics, stored.split == split.rawValue,
            stored.latentSize == definition.latentSize
        else { return nil }
        guard let culprit = stored.firstNonFinite else { return stored }
        throw ZooError(
            "\(path): of the stored latent statistics, \(culprit) is not finite", code: .notFinite,
            subject: .path(path), remedy: .computeLatentStatistics(checkpoint: path))
    }
}

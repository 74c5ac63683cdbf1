import Checkpoints
import Datasets
import LatentTools
import ModelKit
import Planning
import TensorCore
import Training

/// Losses of a model over images: means, in nats per image.
public struct Evaluation: Sendable, Equatable {
    public let imageCount: Int
    public let losses: MeanLosses
    /// Dimensions with Var[μ_d] > 0.01 (Burda, Grosse and Salakhutdinov 2016, section 5.2); nil for a plain autoencoder.
    public let activeUnits: Int?
    /// Nats of each latent dimension, `[D]`; nil for a plain autoencoder.
    public let klPerDimension: [Double]?
}

extension TrainedModel {
    /// The posteriors of images `[N, C, H, W]` (or `[N, D]`), pixels from 0 to 1.
    ///
    /// - Throws: `ZooError` for images of another shape or none, and for weights or results that are not finite.
    ///
    /// - Parameter classes: of a conditional model, the class of each image; nil for `imageClass`.
    public func encode(_ images: Tensor, classes: [Int]? = nil) throws -> Posterior {
        try compiled().encode(images, classes: classes)
    }

    /// The images `[N, C, H, W]` (or `[N, D]`) of latent vectors `[N, D]`, from 0 to 1 where the decoder ends in a sigmoid.
    ///
    /// - Throws: `ZooError` for vectors of another size or none, and for weights or results that are not finite.
    ///
    /// - Parameter classes: of a conditional model, the class of each image; nil for `imageClass`.
    public func decode(_ latents: Tensor, classes: [Int]? = nil) throws -> Tensor {
        try compiled().decode(latents, classes: classes)
    }

    /// Images decoded from the mean of their posteriors (the code of a plain autoencoder), in the shape of the images.
    ///
    /// - Throws: as `encode`.
    public func reconstruct(_ images: Tensor, classes: [Int]? = nil) throws -> Tensor {
        try decode(encode(images, classes: classes).mean, classes: classes)
    }

    /// Images `[count, C, H, W]` (or `[count, D]`) decoded from draws from the prior N(0, I), or from the prior of a codebook's codes.
    ///
    /// - Parameters:
    ///   - seed: the same seed gives the same images.
    ///   - temperature: factor of the deviations of latent vectors.
    ///   - imageClass: of a conditional model, the class of all images; nil for all classes in turn.
    /// - Throws: `ZooError` (wrong usage) for a plain autoencoder, which has no prior, or a count below 1.
    public func sample(
        count: Int, seed: UInt64 = 0, temperature: Float = 1, imageClass: Int? = nil
    ) throws -> Tensor {
        try definition.requirePrior("to draw from", advice: "decode latent vectors of your own")
        guard count > 0 else { throw ZooError("\(count) images cannot be drawn", kind: .usage) }
        let sampler = LatentSampler(size: definition.latentSize, seed: seed, temperature: temperature)
        let latents = try compiled().priorDraws(sampler, count: count)
        let chosen = imageClass ?? self.imageClass
        let classes = definition.classCount.map { classes in (0..<count).map { chosen ?? $0 % classes } }
        return try decode(Tensor(rows: latents), classes: classes)
    }

    /// Losses over the images of a split, each image once, layers in evaluation mode.
    ///
    /// - Parameters:
    ///   - dataset: images of the model's shape, divided as in its run.
    ///   - seed: of the noise; nil for the run's.
    /// - Throws: `ZooError` where images and model do not fit, the split is empty, or a number is not finite.
    public func evaluate(on dataset: any Dataset, split: Split = .test, seed: UInt64? = nil) throws -> Evaluation {
        let images = try images(of: dataset, split: split)
        let plan = try EvaluationPlan(definition)
        try loading { try plan.load(checkpoint.inferenceWeights) }
        // The weights of the last step that was made, as in the metrics of the run.
        let step = checkpoint.progress.map { max(0, $0.step - 1) } ?? .max
        let sums = try Evaluator(plan, dataset: dataset).sums(
            over: images.indices, seed: seed ?? checkpoint.progress?.seed ?? 0, step: step)
        let isVariational = definition.isVariational
        return Evaluation(
            imageCount: sums.imageCount, losses: sums.means,
            activeUnits: isVariational ? sums.activeDimensions.filter { $0 }.count : nil,
            klPerDimension: isVariational ? sums.klPerDimension.map { $0 / Double(max(1, sums.imageCount)) } : nil)
    }

    private func compiled() throws -> InferencePlan {
        let plan = try cache.plan ?? inference()
        plan.imageClass = imageClass
        cache.plan = plan
        return plan
    }

    /// The plan that the methods above share, made when it is needed.
    final class Cache {
        var plan: InferencePlan?
    }
}

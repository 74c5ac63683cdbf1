import Datasets
import ModelKit
import Planning
import TensorCore

/// The losses of a model over a list of images: each image once, whatever the batch size.
public struct Evaluator {
    private let plan: EvaluationPlan
    private let dataset: any Dataset

    public init(_ plan: EvaluationPlan, dataset: any Dataset) {
        self.plan = plan
        self.dataset = dataset
    }

    /// Sums over the images.
    ///
    /// - Parameter progress: called with images done.
    /// - Throws: `ZooError` naming the first tensor that is not finite, where a loss or a latent number is not.
    public func sums(
        over indices: [Int32], seed: UInt64, progress: (Int) throws -> Void = { _ in }
    ) throws -> EvaluationSums {
        var sums = EvaluationSums(latentSize: plan.definition.latentSize)
        let imageSize = dataset.info.imageByteCount
        let pixels = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: plan.batchSize * imageSize)
        defer { pixels.deallocate() }
        try indices.withUnsafeBufferPointer { indices in
            for start in stride(from: 0, to: indices.count, by: plan.batchSize) {
                let batch = UnsafeBufferPointer(rebasing: indices[start..<min(start + plan.batchSize, indices.count)])
                dataset.readImages(batch, into: pixels)
                try plan.add(
                    pixels: UnsafeBufferPointer(rebasing: pixels[..<(batch.count * imageSize)]), imageIndices: batch,
                    seed: seed, to: &sums)
                try progress(start + batch.count)
            }
        }
        return sums
    }
}

extension EvaluationSums {
    /// Means per image, with the objective's weights of step `step`.
    public func means(_ objective: Objective, step: Int) -> MeanLosses {
        let count = Double(max(1, imageCount))
        let regularizer =
            objective.regularizer == nil
            ? 0
            : objective.klRegularizer.loss(
                klPerDimension: klPerDimension.map { $0 / count }, weight: Double(objective.klWeight(step: step)),
                capacity: Double(objective.klCapacity(step: step)))
        return MeanLosses(
            loss: reconstruction / count + regularizer, reconstruction: reconstruction / count, kl: kl / count)
    }
}

import Datasets
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
    /// - Parameters:
    ///   - step: where the schedules of the objective are; `.max` for their end.
    ///   - progress: called with images done.
    /// - Throws: `ZooError` naming the first tensor that is not finite, where a loss or a latent number is not.
    public func sums(
        over indices: [Int32], seed: UInt64, step: Int = .max, progress: (Int) throws -> Void = { _ in }
    ) throws -> EvaluationSums {
        var sums = plan.noSums
        let classes = try ImageClasses(plan.definition, dataset: dataset, batchSize: plan.batchSize)
        let reader = BatchReader(dataset, batchSize: plan.batchSize)
        try indices.withUnsafeBufferPointer { indices in
            for start in stride(from: 0, to: indices.count, by: plan.batchSize) {
                let batch = UnsafeBufferPointer(rebasing: indices[start..<min(start + plan.batchSize, indices.count)])
                try plan.add(
                    reader.read(batch), imageIndices: batch, classes: classes?.of(batch), seed: seed, step: step,
                    datasetSize: indices.count, to: &sums)
                try progress(start + batch.count)
            }
        }
        return sums
    }
}

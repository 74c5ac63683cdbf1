import Checkpoints
import Datasets
import Metrics
import ModelKit
import Planning
import Runs
import TensorCore

/// How likely single images are under a model with a posterior.
public struct ImageLikelihood: Sendable, Equatable {
    /// The image's number in the data set, or in the list it came from.
    public let index: Int32
    /// log 1/K Σ p(x|z_k)·p(z_k)/q(z_k|x), in nats: a lower bound of log p(x) in expectation (Burda, Grosse and Salakhutdinov 2016,
    /// equation 8).
    public let bound: Double
    /// The mean of log p(x|z_k)·p(z_k)/q(z_k|x) over the same codes, in nats: the evidence lower bound.
    public let elbo: Double
    /// The mean of −log p(x|z_k) over the same codes, in nats.
    public let reconstruction: Double
}

/// Estimates how likely images are, K codes for each.
public final class ImageLikelihoods {
    /// K.
    public let samples: Int
    private let plan: LikelihoodPlan
    private let model: TrainedModel
    private let seed: UInt64

    /// About how many codes are computed at a time.
    private static let codesAtOnce = 2_000

    /// - Throws: `ZooError` (wrong usage) for a model without a posterior or no samples.
    public init(_ model: TrainedModel, samples: Int, seed: UInt64) throws {
        guard model.definition.isVariational else {
            throw ZooError(
                "\(model.definition.name) is a plain autoencoder: it has no posterior, so images have no likelihood under it",
                kind: .usage, code: .unsupported)
        }
        guard (1...10_000_000).contains(samples) else {
            throw ZooError(
                "a likelihood takes 1 to 10,000,000 samples, not \(samples)", kind: .usage, code: .invalidValue)
        }
        self.model = model
        self.samples = samples
        self.seed = seed
        // A few codes of many images or many codes of a few, so that the decoder always has full batches.
        let atOnce = min(samples, 250)
        plan = try model.loading {
            try LikelihoodPlan(
                model.definition, weights: model.checkpoint.inferenceWeights,
                batchSize: max(1, Self.codesAtOnce / atOnce), samplesAtOnce: atOnce)
        }
    }

    /// - Parameters:
    ///   - progress: called with the part that is done, from 0 to 1.
    /// - Throws: `ZooError` naming the first tensor that is not finite, where a number is not.
    public func likelihoods(
        of dataset: any Dataset, _ indices: [Int32], progress: (Double) throws -> Void = { _ in }
    ) throws -> [ImageLikelihood] {
        var result: [ImageLikelihood] = []
        result.reserveCapacity(indices.count)
        for start in stride(from: 0, to: indices.count, by: plan.batchSize) {
            let batch = Array(indices[start..<min(start + plan.batchSize, indices.count)])
            result += try likelihoods(
                dataset.tensor(batch), batch, classes: try classes(of: batch, in: dataset))
            try progress(Double(start + batch.count) / Double(indices.count))
        }
        return result
    }

    private func classes(of batch: [Int32], in dataset: any Dataset) throws -> [Int32]? {
        guard model.definition.classCount != nil else { return nil }
        if let chosen = model.imageClass { return batch.map { _ in Int32(chosen) } }
        return try batch.map { index in
            guard let label = dataset.label(Int(index)) else {
                throw ZooError(
                    "\(model.definition.name) is conditional, but image \(index) of \(dataset.info.name) has no class",
                    kind: .usage, code: .mismatch, remedy: .chooseClass)
            }
            return Int32(label)
        }
    }

    private func likelihoods(_ images: Tensor, _ batch: [Int32], classes: [Int32]?) throws -> [ImageLikelihood] {
        var bounds = [LogMeanExp](repeating: LogMeanExp(), count: batch.count)
        var elbos = [Double](repeating: 0, count: batch.count)
        var reconstructions = elbos
        for (round, first) in stride(from: 0, to: samples, by: plan.samplesAtOnce).enumerated() {
            let weights = try plan.weights(
                of: images, imageIndices: batch, classes: classes, seed: seed, round: round)
            let taken = min(plan.samplesAtOnce, samples - first)
            for image in batch.indices {
                let start = image * plan.samplesAtOnce
                for sample in start..<start + taken {
                    bounds[image].add(Double(weights.logWeights[sample]))
                    elbos[image] += Double(weights.logWeights[sample])
                    reconstructions[image] += Double(weights.reconstruction[sample])
                }
            }
        }
        return batch.enumerated().map { image, index in
            ImageLikelihood(
                index: index, bound: bounds[image].value, elbo: elbos[image] / Double(samples),
                reconstruction: reconstructions[image] / Double(samples))
        }
    }
}

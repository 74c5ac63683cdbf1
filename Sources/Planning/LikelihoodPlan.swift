import ModelKit
import TensorCore

/// Importance weights of images: how likely an image is under codes that are drawn from its posterior, layers in evaluation mode.
public final class LikelihoodPlan {
    public let definition: ModelDefinition
    /// Images that are computed at a time.
    public let batchSize: Int
    /// Codes of each image that are computed at a time.
    public let samplesAtOnce: Int
    private let model: CompiledModel
    private let engine: any Engine

    /// - Throws: `ZooError` where the model has no posterior, the engine cannot run it, or the weights do not fit it.
    public init(
        _ definition: ModelDefinition, weights: [NamedTensor], batchSize: Int, samplesAtOnce: Int,
        engine: any Engine = Computing.engine
    ) throws {
        self.definition = definition
        self.batchSize = batchSize
        self.samplesAtOnce = samplesAtOnce
        self.engine = engine
        model = try CompiledModel(
            definition, purpose: .likelihood(samples: samplesAtOnce), batchSize: batchSize, engine: engine)
        try model.load(weights)
    }

    /// What is known of the codes of a batch.
    public struct Weights: Sendable {
        /// log p(x|z) + log p(z) − log q(z|x) in nats: `samplesAtOnce` for each image, one image after another.
        public let logWeights: [Float]
        /// −log p(x|z) in nats, of the same codes.
        public let reconstruction: [Float]
    }

    /// The weights of images `[N, C, H, W]` (or vectors `[N, D]`). The noise of an image is a function of `seed`, `round` and its number alone.
    ///
    /// - Parameters:
    ///   - classes: of the images, for a model that is conditional on them.
    ///   - round: other rounds draw other codes.
    /// - Throws: `ZooError` naming the first tensor that is not finite, where a number is not.
    public func weights(
        of tensor: Tensor, imageIndices: [Int32], classes: [Int32]? = nil, seed: UInt64, round: Int
    ) throws -> Weights {
        let count = imageIndices.count
        func fill(_ model: CompiledModel) {
            if let images = model.graph.images {
                tensor.values.withUnsafeBufferPointer { model.compiled.writeImages(.numbers($0), to: images) }
            }
            if let input = model.graph.program.imageClass, let classes {
                classes.withUnsafeBufferPointer { model.compiled.writeClasses($0, to: input) }
            }
            let stream = RandomStream(
                seed: seed, purpose: .evaluationNoise, step: UInt32(truncatingIfNeeded: round))
            for noise in model.graph.program.noises {
                imageIndices.withUnsafeBufferPointer {
                    model.compiled.writeNoise(stream, imageIndices: $0, to: noise.tensor)
                }
            }
        }
        let values = StepValues(imageCount: count, seed: seed, scheduleStep: .max)
        fill(model)
        model.compiled.run(values)
        func rows(_ id: TensorID?) -> [Float] {
            id.map { Array(model.compiled.read($0).prefix(model.graph.program[$0].elementCount(images: count))) } ?? []
        }
        let weights = Weights(
            logWeights: rows(model.graph.logWeights), reconstruction: rows(model.graph.reconstructionLoss))
        guard weights.logWeights.allSatisfy(\.isFinite) else {
            throw try model.nonFiniteResult(imageCount: count, values, engine: engine, fill: fill)
        }
        return weights
    }
}

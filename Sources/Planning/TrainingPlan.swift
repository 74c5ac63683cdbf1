import ModelKit
import TensorCore

/// Losses of one batch, as sums over its images, in nats.
public struct BatchLosses: Sendable {
    public var imageCount: Int
    /// Sum of the reconstruction losses.
    public var reconstruction: Double
    /// Sum of the KL divergences; 0 for a plain autoencoder.
    public var kl: Double
    /// Sum of what the objective makes of the KL divergence, for instance β·KL.
    public var regularizer: Double
    /// The same at the weights that the objective's schedules end with.
    public var finalRegularizer: Double
    public var isFinite: Bool

    /// Sum of the objective.
    public var loss: Double { reconstruction + regularizer }
    /// Sum of the objective at the end of its schedules.
    public var finalLoss: Double { reconstruction + finalRegularizer }
}

/// A model with its objective and optimiser, compiled once for batches of up to `batchSize` images.
public final class TrainingPlan {
    public let definition: ModelDefinition
    public let model: CompiledModel
    public var batchSize: Int { model.compiled.batchSize }
    private let perImage: UnsafeMutableBufferPointer<Float>
    private let perDimension: UnsafeMutableBufferPointer<Float>

    /// - Parameter engine: nil for the one that the definition's training settings ask for.
    /// - Throws: `ZooError` where the engine cannot run the model.
    public init(_ definition: ModelDefinition, batchSize: Int, engine: (any Engine)? = nil) throws {
        self.definition = definition
        model = try CompiledModel(
            definition, purpose: .training, batchSize: batchSize,
            engine: engine ?? Computing.engine(for: definition.training))
        perImage = .allocate(capacity: batchSize)
        perDimension = .allocate(capacity: definition.latentSize)
    }

    deinit {
        perImage.deallocate()
        perDimension.deallocate()
    }

    /// One training step on images of bytes in H W C order. Allocates nothing once warm.
    ///
    /// - Parameters:
    ///   - pixels: `imageIndices.count` images.
    ///   - imageIndices: their numbers in the data set, which noise and dropout follow.
    ///   - step: from 0; addresses the random numbers and the schedules of the objective.
    public func step(
        pixels: UnsafeBufferPointer<UInt8>, imageIndices: UnsafeBufferPointer<Int32>, step: Int, seed: UInt64,
        learningRate: Float
    ) -> BatchLosses {
        if let images = model.graph.images { model.compiled.writeImages(pixels, to: images) }
        model.compiled.setImageIndices(imageIndices)
        if let noise = model.graph.noise {
            let stream = RandomStream(seed: seed, purpose: .latentNoise, step: UInt32(truncatingIfNeeded: step))
            model.compiled.writeNoise(stream, imageIndices: imageIndices, to: noise)
        }
        return run(imageCount: imageIndices.count, step: step, seed: seed, learningRate: learningRate)
    }

    /// One training step on what the inputs hold.
    public func run(imageCount: Int, step: Int, seed: UInt64, learningRate: Float) -> BatchLosses {
        let objective = definition.objective
        let values = StepValues(
            imageCount: imageCount, step: UInt32(truncatingIfNeeded: step), updateCount: step, seed: seed,
            learningRate: learningRate, klWeight: objective.klWeight(step: step),
            klCapacity: objective.klCapacity(step: step))
        let isFinite = model.compiled.run(values)
        return losses(imageCount: imageCount, values: values, isFinite: isFinite)
    }

    private func losses(imageCount: Int, values: StepValues, isFinite: Bool) -> BatchLosses {
        func sum(_ id: TensorID?) -> Double {
            guard let id else { return 0 }
            model.compiled.read(id, into: perImage)
            var sum = 0.0
            for row in 0..<imageCount { sum += Double(perImage[row]) }
            return sum
        }
        let kl = sum(model.graph.kl)
        let objective = definition.objective
        // Of free bits: nats of each dimension, at least as many as are free.
        var counted = 0.0
        if case .freeBits(let nats) = objective.klRegularizer, let klPerDimension = model.graph.klPerDimension {
            model.compiled.read(klPerDimension, into: perDimension)
            for value in perDimension { counted += max(Double(nats), Double(value)) }
        }
        func regularizer(weight: Float, capacity: Float) -> Double {
            guard model.graph.kl != nil else { return 0 }
            return switch objective.klRegularizer {
            case .weighted: Double(weight) * kl
            case .capacity: Double(weight) * abs(kl - Double(capacity) * Double(imageCount))
            case .freeBits: Double(weight) * counted * Double(imageCount)
            }
        }
        return BatchLosses(
            imageCount: imageCount, reconstruction: sum(model.graph.reconstructionLoss), kl: kl,
            regularizer: regularizer(weight: values.klWeight, capacity: values.klCapacity),
            finalRegularizer: regularizer(
                weight: objective.klWeight(step: .max), capacity: objective.klCapacity(step: .max)),
            isFinite: isFinite)
    }
}

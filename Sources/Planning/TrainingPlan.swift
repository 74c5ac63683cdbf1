import ModelKit
import TensorCore

/// Losses of one batch, as sums over its images, in nats.
public struct BatchLosses: Sendable {
    public var imageCount: Int
    /// Sum of the objective.
    public var loss: Double
    /// Sum of the objective at the end of its schedules.
    public var finalLoss: Double
    /// Sums of what is reported; a number of the whole batch counts for each image.
    public var metrics: MetricValues
    public var isFinite: Bool

    public init(imageCount: Int, loss: Double, finalLoss: Double, metrics: MetricValues, isFinite: Bool = true) {
        self.imageCount = imageCount
        self.loss = loss
        self.finalLoss = finalLoss
        self.metrics = metrics
        self.isFinite = isFinite
    }
}

/// A model with its objective and optimiser, compiled once for batches of up to `batchSize` images.
public final class TrainingPlan {
    public let definition: ModelDefinition
    public let model: CompiledModel
    /// Images that are trained on; nil where each batch is all there is.
    public var datasetSize: Int?
    public var batchSize: Int { model.compiled.batchSize }
    /// Of what is reported of each batch.
    public let metricNames: [String]
    private let finalNumbers: SIMD16<Float>
    private let buffer: UnsafeMutableBufferPointer<Float>

    /// - Parameter engine: nil for the one that the definition's training settings ask for.
    /// - Throws: `ZooError` where the engine cannot run the model.
    public init(_ definition: ModelDefinition, batchSize: Int, engine: (any Engine)? = nil) throws {
        self.definition = definition
        model = try CompiledModel(
            definition, purpose: .training, batchSize: batchSize,
            engine: engine ?? Computing.engine(for: definition.training))
        metricNames = model.metricNames
        finalNumbers = model.graph.program.scheduledNumbers(step: .max)
        buffer = .allocate(capacity: model.sumBufferCount)
    }

    deinit {
        buffer.deallocate()
    }

    /// The weights and schedules of the objective at a step.
    public func scheduledNumbers(step: Int) -> ScheduledNumbers { ScheduledNumbers(model.graph.program, step: step) }

    /// One training step. Allocates nothing once warm.
    ///
    /// - Parameters:
    ///   - batch: `imageIndices.count` images.
    ///   - imageIndices: their numbers in the data set, which noise and dropout follow.
    ///   - classes: of the images, for a model that is conditional on them.
    ///   - step: from 0; addresses the random numbers and the schedules of the objective.
    public func step(
        on batch: ImageBatch, imageIndices: UnsafeBufferPointer<Int32>,
        classes: UnsafeBufferPointer<Int32>? = nil, step: Int, seed: UInt64, learningRate: Float
    ) -> BatchLosses {
        if let input = model.graph.program.imageClass, let classes { model.compiled.writeClasses(classes, to: input) }
        if let images = model.graph.images { model.compiled.writeImages(batch, to: images) }
        model.compiled.setImageIndices(imageIndices)
        let stream = RandomStream(seed: seed, purpose: .latentNoise, step: UInt32(truncatingIfNeeded: step))
        for noise in model.graph.program.noises {
            model.compiled.writeNoise(stream, imageIndices: imageIndices, to: noise.tensor)
        }
        return run(imageCount: imageIndices.count, step: step, seed: seed, learningRate: learningRate)
    }

    /// One training step on what the inputs hold.
    public func run(imageCount: Int, step: Int, seed: UInt64, learningRate: Float) -> BatchLosses {
        let values = StepValues(
            imageCount: imageCount, step: UInt32(truncatingIfNeeded: step), updateCount: step, seed: seed,
            learningRate: learningRate, scheduleStep: step, datasetSize: datasetSize)
        let isFinite = model.compiled.run(values)
        let sums = model.sums(
            imageCount: imageCount, names: metricNames,
            scheduled: model.graph.program.scheduledNumbers(step: step), final: finalNumbers, buffer)
        return BatchLosses(
            imageCount: imageCount, loss: sums.loss, finalLoss: sums.finalLoss, metrics: sums.metrics,
            isFinite: isFinite)
    }
}

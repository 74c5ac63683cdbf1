import ModelKit
import TensorCore

/// Sums over evaluated images, from which means come. Adding batches of any sizes counts each image once.
public struct EvaluationSums: Sendable {
    public var imageCount = 0
    /// Of the objective.
    public var loss = 0.0
    /// Of the objective at the end of its schedules.
    public var finalLoss = 0.0
    /// Of what is reported, in nats.
    public var metrics: MetricValues
    /// Per latent dimension, `[D]`.
    public var klPerDimension: [Double]
    public var mean: [Double]
    public var squaredMean: [Double]
    public var variance: [Double]

    public init(latentSize: Int, metricNames: [String]) {
        metrics = MetricValues(names: metricNames)
        klPerDimension = [Double](repeating: 0, count: latentSize)
        mean = klPerDimension
        squaredMean = klPerDimension
        variance = klPerDimension
    }

    /// Whether all sums are finite.
    var isFinite: Bool {
        loss.isFinite && finalLoss.isFinite && metrics.isFinite
            && [klPerDimension, mean, squaredMean, variance].allSatisfy { $0.allSatisfy(\.isFinite) }
    }

    /// Var[μ_d] over the images (biased), `[D]`.
    public var varianceOfMean: [Double] {
        let n = Double(max(1, imageCount))
        return zip(squaredMean, mean).map { max(0, $0 / n - ($1 / n) * ($1 / n)) }
    }

    /// Dimensions with Var[μ_d] > 0.01 (Burda, Grosse and Salakhutdinov 2016, section 5.2).
    public var activeDimensions: [Bool] { varianceOfMean.map { $0 > 0.01 } }
}

/// A model's losses and latent statistics without learning, layers in evaluation mode.
public final class EvaluationPlan {
    public let definition: ModelDefinition
    private let model: CompiledModel
    private let engine: any Engine
    private let metricNames: [String]
    private let finalNumbers: SIMD16<Float>
    private let buffer: UnsafeMutableBufferPointer<Float>
    public var batchSize: Int { model.compiled.batchSize }

    /// - Parameter batchSize: images that are computed at a time; nil for as many as suit the model. Terms of whole batches depend
    ///   on it, so by default they are of batches as in training.
    /// - Throws: `ZooError` where the engine cannot run the model.
    public init(
        _ definition: ModelDefinition, batchSize: Int? = nil, engine: any Engine = Computing.engine
    ) throws {
        self.definition = definition
        self.engine = engine
        let trainingBatch = definition.training.batchSize
        // So does the perplexity of codes.
        let dependsOnBatch = definition.objective.dependsOnBatch || definition.codeCount != nil
        let usual = dependsOnBatch ? trainingBatch : min(500, max(trainingBatch, 250))
        model = try CompiledModel(
            definition, purpose: .evaluation, batchSize: batchSize ?? usual, engine: engine)
        metricNames = model.metricNames
        finalNumbers = model.graph.program.scheduledNumbers(step: .max)
        buffer = .allocate(capacity: model.sumBufferCount)
    }

    deinit {
        buffer.deallocate()
    }

    /// Sums over no images.
    public var noSums: EvaluationSums { EvaluationSums(latentSize: definition.latentSize, metricNames: metricNames) }

    /// - Throws: `ZooError` that lists everything missing, of another shape or not finite.
    public func load(_ tensors: [NamedTensor]) throws {
        try model.load(tensors)
    }

    /// Adds a batch of images. The noise of an image is a function of `seed` and its number alone.
    ///
    /// - Parameters:
    ///   - classes: of the images, for a model that is conditional on them.
    ///   - step: where the schedules of the objective are; `.max` for their end.
    ///   - datasetSize: images of which the batch is a sample.
    /// - Throws: `ZooError` naming the first tensor that is not finite, where a loss or a latent number is not.
    public func add(
        _ batch: ImageBatch, imageIndices: UnsafeBufferPointer<Int32>,
        classes: UnsafeBufferPointer<Int32>? = nil, seed: UInt64, step: Int = .max, datasetSize: Int? = nil,
        to sums: inout EvaluationSums
    ) throws {
        let count = imageIndices.count
        func fill(_ model: CompiledModel) {
            if let images = model.graph.images { model.compiled.writeImages(batch, to: images) }
            if let input = model.graph.program.imageClass, let classes {
                model.compiled.writeClasses(classes, to: input)
            }
            for noise in model.graph.program.noises {
                model.compiled.writeNoise(
                    RandomStream(seed: seed, purpose: .evaluationNoise), imageIndices: imageIndices, to: noise.tensor)
            }
        }
        let values = StepValues(imageCount: count, seed: seed, scheduleStep: step, datasetSize: datasetSize)
        fill(model)
        model.compiled.run(values)
        /// The numbers of each image, the mean over its rows.
        func rows(_ id: TensorID?) -> (values: ArraySlice<Float>, share: Double) {
            guard let id else { return ([], 1) }
            let info = model.graph.program[id]
            return (
                model.compiled.read(id).prefix(info.elementCount(images: count)), 1 / Double(info.rows.count(images: 1))
            )
        }
        sums.imageCount += count
        let found = model.sums(
            imageCount: count, names: metricNames, scheduled: model.graph.program.scheduledNumbers(step: step),
            final: finalNumbers, buffer)
        sums.loss += found.loss
        sums.finalLoss += found.finalLoss
        sums.metrics += found.metrics
        let size = definition.latentSize
        // The numbers of codes have no mean.
        let means = rows(definition.codeCount == nil ? model.graph.mean : nil)
        for (index, value) in means.values.enumerated() {
            sums.mean[index % size] += means.share * Double(value)
            sums.squaredMean[index % size] += means.share * Double(value) * Double(value)
        }
        let logVariances = rows(model.graph.logVariance)
        for (index, value) in logVariances.values.enumerated() {
            sums.variance[index % size] += logVariances.share * Double(value).exponential
        }
        if let klPerDimension = model.graph.klPerDimension {
            for (index, value) in model.compiled.read(klPerDimension).enumerated() {
                sums.klPerDimension[index] += Double(value) * Double(count)
            }
        }
        guard sums.isFinite else {
            throw try model.nonFiniteResult(imageCount: count, values, engine: engine, fill: fill)
        }
    }
}

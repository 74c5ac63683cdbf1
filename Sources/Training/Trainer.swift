import Datasets
import ModelKit
import ObjectiveLibrary
import Planning
import TensorCore

/// Runs a plan over the batches of a data set: schedules, evaluation, early stopping. Knows no files and prints nothing.
public final class Trainer {
    public let definition: ModelDefinition
    public let plan: TrainingPlan
    public let splits: DataSplits
    public private(set) var state: TrainingState
    public let seed: UInt64
    public let epochCount: Int
    public let totalSteps: Int
    /// The steps asked for instead of whole epochs.
    public let stepLimit: Int?
    /// The most steps of a run: random numbers are addressed by 32 bits of the step.
    public static let maximumStepCount = Int(UInt32.max)
    public let stepsPerEpoch: Int
    private let dataset: any Dataset
    private let batches: Batches
    private let evaluation: EvaluationPlan
    private let engine: any Engine
    private let reader: BatchReader
    private let classes: ImageClasses?
    private let augmentation: ImageAugmentation?
    private let clock = ContinuousClock()
    private var meter: ProgressMeter
    /// How long the end of an epoch takes: evaluation, and what else is done between two epochs; nil before the first.
    private var secondsBetweenEpochs: Double?

    /// - Parameters:
    ///   - stepLimit: ends training after so many steps, whatever the number of epochs; nil for whole epochs.
    ///   - validationCount: images to take from the training split, as a run did that is resumed; nil for as many as the
    ///     definition says.
    ///   - engine: nil for the one that the definition's training settings ask for.
    /// - Throws: `ZooError` where images and model do not fit, or the engine cannot run the model.
    public init(
        _ definition: ModelDefinition, dataset: any Dataset, seed: UInt64, stepLimit: Int? = nil,
        validationCount: Int? = nil, engine: (any Engine)? = nil
    ) throws {
        guard dataset.info.shape == definition.input.dimensions else {
            throw ZooError(
                "the images of \(dataset.info.name) are \(dataset.info.shape), but \(definition.name) takes \(definition.input)",
                code: .mismatch, subject: .field("input"), remedy: .fitInput)
        }
        try Self.checkRange(definition, dataset)
        self.definition = definition
        self.dataset = dataset
        self.seed = seed
        let engine = engine ?? Computing.engine(for: definition.training)
        self.engine = engine
        splits = try DataSplits(
            of: dataset,
            validationCount: validationCount
                ?? definition.training.validationCount(of: dataset.indices(of: .train).count), seed: seed,
            onlyClass: definition.training.onlyClass)
        let batchSize = min(definition.training.batchSize, max(1, splits.train.count))
        plan = try TrainingPlan(definition, batchSize: batchSize, engine: engine)
        plan.datasetSize = splits.train.count
        state = TrainingState(metricNames: plan.metricNames)
        meter = ProgressMeter(metricNames: plan.metricNames)
        // The variance of a single value is 0, and would spoil the running variance.
        let smallestBatch = max(
            plan.model.graph.normalizesSingleValues ? 2 : 1, definition.objective.smallestBatch)
        guard batchSize >= definition.objective.smallestBatch || splits.train.isEmpty else {
            throw ZooError(
                "batches have \(batchSize) images, and the objective of \(definition.name) is computed from at least "
                    + "\(definition.objective.smallestBatch)",
                kind: .usage, subject: .field("training.batch_size"), remedy: .enlargeBatch)
        }
        guard batchSize >= smallestBatch || splits.train.isEmpty else {
            throw ZooError(
                "batches have one image, and the batch norm of \(definition.name) needs more than one value per channel",
                kind: .usage, subject: .field("training.batch_size"), remedy: .enlargeBatch)
        }
        classes = try ImageClasses(
            definition, dataset: dataset, batchSize: batchSize, trainedOn: splits.train, seed: seed)
        batches = try Batches(
            splits.train, batchSize: batchSize, smallestBatch: smallestBatch, recurring: classes?.labelled ?? [],
            recurringPerBatch: definition.objective.labelledImages?.perBatch ?? 0, seed: seed)
        stepsPerEpoch = batches.batchCount
        self.stepLimit = stepLimit
        let (wholeEpochs, overflow) = definition.training.epochs.multipliedReportingOverflow(by: stepsPerEpoch)
        totalSteps = stepLimit ?? (overflow ? .max : wholeEpochs)
        guard (0...Self.maximumStepCount).contains(totalSteps) else {
            throw ZooError(
                "a run has at most \(Self.maximumStepCount) steps, not \(totalSteps)",
                kind: .usage, code: .limit, subject: .field("training.epochs"), remedy: .trainShorter)
        }
        epochCount = stepLimit == nil ? definition.training.epochs : (totalSteps + stepsPerEpoch - 1) / stepsPerEpoch
        evaluation = try EvaluationPlan(definition, engine: engine.singlePrecision)
        augmentation = definition.training.augmentation.map {
            ImageAugmentation($0, shape: definition.input, batchSize: batchSize)
        }
        reader = BatchReader(dataset, batchSize: batchSize)
        plan.model.initialize(seed: seed)
    }

    /// - Throws: `ZooError` (wrong usage) where the likelihood is one of numbers from 0 to 1, and the data are others.
    private static func checkRange(_ definition: ModelDefinition, _ dataset: any Dataset) throws {
        guard let range = dataset.valueScaling?.scaledRange, let name = definition.objective.likelihoodOfUnitInterval,
            range.lowerBound < -1e-6 || range.upperBound > 1 + 1e-6
        else { return }
        throw ZooError(
            "\(name) is a likelihood of numbers from 0 to 1, and the numbers of \(dataset.info.name) lie between "
                + "\(Float(range.lowerBound)) and \(Float(range.upperBound))",
            kind: .usage, code: .mismatch, subject: .field("objective.reconstruction"), remedy: .scaleData)
    }

    /// Goes on from a state whose parameters, buffers and optimiser state `plan.model` has been given.
    ///
    /// - Throws: `ZooError` where no run of this trainer can have come to that state.
    public func resume(from state: TrainingState) throws {
        func check(_ count: Int, _ most: Int, _ what: String) throws {
            guard (0...most).contains(count) else {
                throw ZooError(
                    "no run can go on from \(count) \(what): there are at most \(most)",
                    advice: "resume from another checkpoint of the run", code: .limit)
            }
        }
        try check(state.step, Self.maximumStepCount, "steps")
        try check(state.epoch, Self.maximumStepCount, "epochs")
        try check(state.epochsWithoutImprovement, Self.maximumStepCount, "epochs without improvement")
        try check(state.batch, stepsPerEpoch, "batches in an epoch")
        try check(state.images, splits.train.count, "images in an epoch")
        guard state.sums.isFinite, state.interval.isFinite, state.finalLossSum.isFinite else {
            throw ZooError(
                "no run can go on from losses that are not finite", advice: "resume from another checkpoint of the run",
                code: .notFinite)
        }
        self.state = state
    }

    /// Trains to the end.
    ///
    /// - Parameters:
    ///   - shouldStop: asked after every step; true ends training with `.interrupted`.
    ///   - onEvent: called after every step and epoch, on the same thread; what it throws ends training.
    /// - Throws: `ZooError` for a loss that is not finite, naming the step and the first tensor that is not; and for images that can no
    ///   longer be read, with the state of the last whole step.
    @discardableResult
    public func run(
        until shouldStop: @autoclosure () -> Bool = false, onEvent: (TrainingEvent) throws -> Void = { _ in }
    ) throws -> TrainingEnd {
        let start = clock.now
        var lastEnd: ContinuousClock.Instant?
        while !isDone {
            let epochStart = clock.now
            if let lastEnd { secondsBetweenEpochs = seconds(since: lastEnd) }
            let imagesBefore = state.images
            let epoch = batches.epoch(state.epoch)
            while state.batch < epoch.batchCount, state.step < totalSteps {
                let stepStart = clock.now
                let losses = try epoch.withBatch(state.batch) { try step($0) }
                state.sums.add(losses)
                state.finalLossSum += losses.finalLoss
                state.batch += 1
                state.step += 1
                meter.add(losses, seconds: seconds(since: stepStart))
                try onEvent(.step(stepRecord(losses, start)))
                if shouldStop() { return .interrupted }
            }
            lastEnd = clock.now
            let trainSeconds = seconds(since: epochStart)
            let record = try finishEpoch(
                seconds: seconds(since: start),
                imagesPerSecond: Double(state.images - imagesBefore) / max(1e-9, trainSeconds),
                onProgress: { try onEvent(.evaluation($0)) })
            try onEvent(.epoch(record))
        }
        return hasRunOutOfPatience ? .stoppedEarly(epoch: state.epoch) : .finished
    }

    /// Whether nothing is left to do: all steps or epochs are made, or the loss has not improved for too long.
    public var isDone: Bool { state.epoch >= epochCount || state.step >= totalSteps || hasRunOutOfPatience }

    /// Whether the loss has not improved for as many epochs as `training.patience` allows.
    public var hasRunOutOfPatience: Bool {
        definition.training.patience.map { state.epochsWithoutImprovement >= $0 } ?? false
    }

    private func step(_ indices: UnsafeBufferPointer<Int32>) throws -> BatchLosses {
        var images = try reader.read(indices)
        if let augmentation { images = augmentation.changed(images, indices, seed: seed, step: state.step) }
        let losses = plan.step(
            on: images, imageIndices: indices, classes: classes?.of(indices), step: state.step, seed: seed,
            learningRate: learningRate)
        guard losses.isFinite else {
            throw try nonFinite(losses.loss.isFinite ? "the gradient" : "the loss", images, indices)
        }
        return losses
    }

    /// The learning rate of the next step.
    public var learningRate: Float { learningRate(of: state.step) }

    private func learningRate(of step: Int) -> Float {
        definition.training.learningRate(step: step, stepsPerEpoch: stepsPerEpoch, totalSteps: totalSteps)
    }

    private func seconds(since start: ContinuousClock.Instant) -> Double {
        let duration = clock.now - start
        return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }

    private func stepRecord(_ losses: BatchLosses, _ start: ContinuousClock.Instant) -> StepRecord {
        state.interval.add(losses)
        var interval: MeanLosses?
        if StepInterval.ends(at: state.step) {
            interval = state.interval.means
            state.interval = LossSums(metricNames: plan.metricNames)
        }
        let made = state.step - 1
        return StepRecord(
            epoch: state.epoch + 1, epochCount: epochCount, step: state.step, totalSteps: totalSteps, batch: losses,
            current: meter.losses, interval: interval, learningRate: learningRate(of: made),
            scheduled: plan.scheduledNumbers(step: made), seconds: seconds(since: start),
            imagesPerSecond: meter.imagesPerSecond, secondsLeft: secondsLeft)
    }

    /// Until all is done: the steps at the speed of now, and the ends of epochs as long as the last one took. Before one has
    /// been measured an image is taken to need a third of a training step.
    private var secondsLeft: Double {
        let speed = max(1e-9, meter.imagesPerSecond)
        let steps = Double(totalSteps - state.step) * Double(plan.batchSize) / speed
        let evaluated = Double(splits.validation.count + splits.test.count)
        return steps + Double(max(0, epochCount - state.epoch)) * (secondsBetweenEpochs ?? evaluated / (3 * speed))
    }

    // MARK: Epochs

    private func finishEpoch(
        seconds: Double, imagesPerSecond: Double, onProgress: (EvaluationProgress) throws -> Void
    ) throws -> EpochRecord {
        if let spoiled = plan.model.firstNonFiniteWeight {
            throw nonFinite("what step \(state.step) made of the parameter \(spoiled) is not finite", step: state.step)
        }
        try evaluation.load(plan.model.inferenceWeights)
        let evaluator = Evaluator(evaluation, dataset: dataset)
        let lastStep = max(0, state.step - 1)
        let start = clock.now
        let count = splits.validation.count + splits.test.count
        func evaluate(_ indices: [Int32], before: Int) throws -> (EvaluationSums, MeanLosses)? {
            guard !indices.isEmpty else { return nil }
            do {
                let sums = try evaluator.sums(over: indices, seed: seed, step: lastStep) { images in
                    let done = before + images
                    let perImage = self.seconds(since: start) / Double(done)
                    try onProgress(
                        EvaluationProgress(
                            epoch: state.epoch + 1, epochCount: epochCount, imagesDone: done, imageCount: count,
                            secondsLeft: Double(count - done) * perImage))
                }
                return (sums, sums.means)
            } catch let error as ZooError where error.code == .notFinite {
                throw nonFinite("after step \(state.step) \(error.message)", step: state.step)
            }
        }
        let validation = try evaluate(splits.validation, before: 0)
        let test = try evaluate(splits.test, before: splits.validation.count)
        let train = state.sums.means
        // Losses under a schedule that still moves cannot be compared; those at its end can.
        let monitored =
            validation?.0.meanFinalLoss
            ?? state.finalLossSum / Double(max(1, state.images))
        // Where a limit of steps ends within an epoch, the epoch has yet to be judged: a run that is resumed there is the one that
        // was not stopped. Before there is a best, what there is will do.
        let isWhole = state.batch >= stepsPerEpoch
        let isBest = isWhole ? state.bestLoss.map { monitored < $0 } ?? true : state.bestLoss == nil
        if isWhole {
            state.bestLoss = isBest ? monitored : state.bestLoss
            state.epochsWithoutImprovement = isBest ? 0 : state.epochsWithoutImprovement + 1
        }
        let record = EpochRecord(
            epoch: state.epoch + 1, step: state.step, train: train, validation: validation?.1, test: test?.1,
            latent: test?.0,
            learningRate: learningRate(of: lastStep),
            scheduled: plan.scheduledNumbers(step: lastStep), seconds: seconds,
            imagesPerSecond: imagesPerSecond, monitoredLoss: monitored, isBest: isBest)
        if isWhole {
            state.epoch += 1
            state.batch = 0
            state.sums = LossSums(metricNames: plan.metricNames)
            state.finalLossSum = 0
        }
        return record
    }

    // MARK: Losses that are not finite

    /// Runs the batch again where every tensor is kept, and names the first that is not finite.
    ///
    /// - Parameter what: what has ended training.
    private func nonFinite(
        _ what: String, _ batch: ImageBatch, _ indices: UnsafeBufferPointer<Int32>
    ) throws -> ZooError {
        let culprit: String?
        if let spoiled = plan.model.firstNonFiniteWeight {
            culprit = "the parameter \(spoiled), which an earlier step has spoiled"
        } else {
            let watched = try TrainingPlan(definition, batchSize: plan.batchSize, engine: engine.keepingEverything)
            watched.datasetSize = plan.datasetSize
            try watched.model.load(plan.model.parameters + plan.model.buffers)
            _ = watched.step(
                on: batch, imageIndices: indices, classes: classes?.of(indices), step: state.step, seed: seed,
                learningRate: learningRate)
            culprit = watched.model.firstNonFiniteOutput(imageCount: indices.count)
        }
        return nonFinite(
            "step \(state.step + 1): \(what) is not finite; "
                + (culprit.map { "the first tensor that is not finite is \($0)" }
                    ?? "run again with all tensors kept, the same batch gives finite numbers only"),
            step: state.step + 1)
    }

    private func nonFinite(_ message: String, step: Int) -> ZooError {
        ZooError(message, code: .notFinite, subject: .step(step), remedy: .stabilize)
    }
}

import Checkpoints
import Datasets
import Figures
import FileSupport
import Glibc
import LatentTools
import ModelFigures
import ModelKit
import Planning
import TensorCore
import TextSupport
import Training

/// A training run with its folder: trains, records, saves, draws.
///
/// Made for a definition and a data set, or from a run that was begun before (`Resumption`). While a run exists, no other
/// process can train in its folder.
public final class TrainingRun {
    /// What a run needs to know besides the model and the data. What concerns training itself (epochs, batch size, precision,
    /// learning rate) is in the definition.
    public struct Settings: Sendable {
        /// The run's folder; nil for `runs/MODEL-TIME`.
        public var folder: String?
        /// Of everything random: first weights, order of images, noise.
        public var seed: UInt64
        /// Ends training after so many steps, whatever the number of epochs; nil for whole epochs.
        public var stepLimit: Int?
        /// How often to save besides after every epoch.
        public var saveInterval: SaveInterval?
        /// Seconds after which the run saves and stops, as if it were interrupted; nil for no limit.
        public var timeLimit: Double?
        /// Whether samples, reconstructions and traversals are drawn after every epoch.
        public var drawsPictures: Bool
        /// What the checkpoints say of where they come from, besides what every run knows: `notes`, `license`.
        public var provenance: [String: String]
        /// What makes the run again; `run.json` and reports show it.
        public var command: [String]

        public init(
            folder: String? = nil, seed: UInt64 = 0, stepLimit: Int? = nil, saveInterval: SaveInterval? = nil,
            timeLimit: Double? = nil, drawsPictures: Bool = true, provenance: [String: String] = [:],
            command: [String] = []
        ) {
            self.folder = folder
            self.seed = seed
            self.stepLimit = stepLimit
            self.saveInterval = saveInterval
            self.timeLimit = timeLimit
            self.drawsPictures = drawsPictures
            self.provenance = provenance
            self.command = command
        }
    }

    /// What happens in a run.
    public enum Event: Sendable {
        /// A training step was made.
        case step(StepRecord)
        /// Images were evaluated at the end of an epoch.
        case evaluation(EvaluationProgress)
        /// An epoch has ended.
        case epoch(EpochRecord)
        /// A state was saved in this file.
        case saved(checkpoint: String)
        /// What is being done now, for progress displays.
        case activity(String)
        /// What the user should know.
        case warning(String)
    }

    public let folder: RunFolder
    public let trainer: Trainer
    public let dataset: any Dataset
    private let lock: FileLock
    private var checkpoints: CheckpointFolder
    private let settings: Settings
    /// What `run.json` says.
    public private(set) var record: RunRecord
    private var metrics: String
    private let datasetDigest: String
    private let start = ContinuousClock.now
    /// Seconds the run had taken before it was resumed.
    private let secondsBefore: Double
    /// nil for a run that draws none.
    private let pictures: RunPictures?
    private var savedState: TrainingState?
    private var lastSave: ContinuousClock.Instant
    private var collapse: CollapseWatch
    private var onEvent: (Event) throws -> Void = { _ in }
    /// Training speed of the last epoch; nil before one has ended.
    public private(set) var imagesPerSecond: Double?

    /// A new run. Its first state is saved at once, so that a run that is killed at any time after this can be resumed.
    ///
    /// - Parameters:
    ///   - weights: a trained model whose weights the run begins with; nil for random ones.
    ///   - isPartial: whether `weights` may be those of a related model: what fits is taken.
    /// - Throws: `ZooError` where images and model or weights and model do not fit, or the folder cannot be used or holds a run
    ///   already.
    public convenience init(
        _ definition: ModelDefinition, dataset: any Dataset, settings: Settings = Settings(),
        beginningWith weights: TrainedModel? = nil, isPartial: Bool = false
    ) throws {
        let trainer = try Trainer(definition, dataset: dataset, seed: settings.seed, stepLimit: settings.stepLimit)
        let initial = try weights.map {
            try InitialWeights($0, into: trainer.plan.model, isPartial: isPartial)
        }
        try self.init(trainer, dataset: dataset, settings: settings, initialWeights: initial)
    }

    /// A new run of a trainer that has made no step.
    ///
    /// - Parameter initialWeights: what `trainer` begins with, for the record.
    /// - Throws: `ZooError` where the folder cannot be used or holds a run already.
    public convenience init(
        _ trainer: Trainer, dataset: any Dataset, settings: Settings, initialWeights: InitialWeights? = nil
    ) throws {
        let folder = try RunFolder.make(settings.folder ?? RunFolder.defaultPath(model: trainer.definition.name))
        let lock = try folder.lock()
        try folder.requireUnused()
        var settings = settings
        if let initialWeights { settings.provenance["initialized_from"] = initialWeights.path }
        try self.init(
            trainer, dataset: dataset, datasetDigest: try dataset.digest(), folder: folder, lock: lock, resumed: nil,
            settings: settings)
    }

    /// Goes on with a run as if it had not been interrupted, in its folder; of a checkpoint's file, in a new one.
    ///
    /// - Parameter settings: `folder`, `seed` and `stepLimit` are of no account; what it leaves out of provenance and save
    ///   interval is as it was.
    /// - Throws: `ZooError` where the folder of a checkpoint's copy cannot be made.
    public convenience init(_ resumption: consuming Resumption, settings: Settings = Settings()) throws {
        var settings = settings
        settings.provenance.merge(
            resumption.checkpoint.provenance.filter { ["notes", "license", "initialized_from"].contains($0.key) }
        ) { new, _ in new }
        settings.saveInterval = settings.saveInterval ?? resumption.record?.saveInterval.flatMap { SaveInterval($0) }
        let trainer = resumption.trainer
        let (dataset, digest) = (resumption.dataset, resumption.datasetDigest)
        let resumed = (resumption.path, resumption.checkpoint)
        if let folder = resumption.folder, let lock = resumption.takeLock() {
            try self.init(
                trainer, dataset: dataset, datasetDigest: digest, folder: folder, lock: lock, resumed: resumed,
                settings: settings)
        } else {
            let folder = try RunFolder.make(RunFolder.defaultPath(model: trainer.definition.name))
            try self.init(
                trainer, dataset: dataset, datasetDigest: digest, folder: folder, lock: folder.lock(), resumed: resumed,
                settings: settings)
        }
    }

    private init(
        _ trainer: Trainer, dataset: any Dataset, datasetDigest: String, folder: RunFolder, lock: consuming FileLock,
        resumed: (path: String, checkpoint: Checkpoint)?, settings: Settings
    ) throws {
        // Somebody may have removed the pictures.
        _ = try RunFolder.make(folder.path, remedy: nil)
        self.trainer = trainer
        self.dataset = dataset
        self.datasetDigest = datasetDigest
        self.folder = folder
        self.lock = lock
        self.settings = settings
        checkpoints = folder.checkpoints
        lastSave = start
        metrics = resumed?.checkpoint.metrics ?? ""
        secondsBefore = resumed?.checkpoint.progress?.elapsedSeconds ?? 0
        collapse = CollapseWatch(latentSize: trainer.definition.latentSize)
        pictures = settings.drawsPictures ? try RunPictures(trainer, dataset: dataset, folder: folder) : nil
        let definition = trainer.definition
        record = RunRecord(
            model: definition.name, family: definition.family, dataset: dataset.info.name,
            datasetDigest: datasetDigest, seed: trainer.seed, batchSize: trainer.plan.batchSize,
            epochs: trainer.epochCount, totalSteps: trainer.totalSteps,
            stepsPerEpoch: trainer.stepsPerEpoch, parameterCount: trainer.plan.model.graph.parameterCount,
            command: settings.command,
            started: TimeStamp.universal, environment: RunRecord.environment(definition.training.precision))
        record.saveInterval = settings.saveInterval?.description
        if let resumed { try resume(from: resumed.path) }
        try save()
        try folder.write(definition.text, to: "definition.yaml")
        try folder.write(metrics, to: "metrics.jsonl")
        try writeRecord()
    }

    /// Takes over from the record and the metrics what the run did before.
    private func resume(from path: String) throws {
        let history = MetricsHistory(metrics)
        if let problem = history.problem { throw problem }
        for epoch in history.epochs { record.add(epoch) }
        record.steps = trainer.state.step
        record.epochsDone = trainer.state.epoch
        record.seconds = secondsBefore
        // A run that is resumed in a new folder has no record yet, and a lost one need not stop anybody.
        if let before = try? folder.record() {
            record.started = before.started
            record.resumptions = before.resumptions + 1
        }
        if path == checkpoints.file(step: trainer.state.step) {
            savedState = trainer.state
            record.checkpoint = path
        }
    }

    /// Trains to the end, to an early stop or until it is asked to stop; the state is saved in each case, and where data can no longer be
    /// read.
    ///
    /// - Parameters:
    ///   - shouldStop: asked after every step. A cancelled `Task` stops, too.
    ///   - onEvent: called on this thread; what it throws ends the run as failed.
    /// - Throws: what went wrong, after it is recorded in `run.json`: of training, `ZooError` with the step at which a loss
    ///   was not finite.
    @discardableResult
    public func train(
        until shouldStop: @autoclosure () -> Bool = false, onEvent: @escaping (Event) throws -> Void = { _ in }
    ) throws -> TrainingEnd {
        self.onEvent = onEvent
        defer { self.onEvent = { _ in } }
        do {
            if let weakness = lock.weakness {
                try onEvent(
                    .warning(
                        "the file system of \(folder.path) has no locks (\(weakness)): see to it that no other process trains "
                            + "there"))
            }
            let end = try trainer.run(
                until: shouldStop() || Task.isCancelled || isTimeUp,
                onEvent: { event in
                    switch event {
                    case .step(let step): try take(step)
                    case .evaluation(let progress): try onEvent(.evaluation(progress))
                    case .epoch(let epoch): try finish(epoch)
                    }
                })
            try save()
            try pictures?.finish()
            if end != .interrupted {
                try onEvent(.activity("statistics of the latent space …"))
                try addLatentStatistics()
                try onEvent(.activity("the animation of the run's pictures …"))
                if let (animation, problems) = pictures?.animation() {
                    for problem in problems { try onEvent(.warning("left out of training.gif: \(problem)")) }
                    try animation?.write(to: "\(folder.path)/training.gif")
                }
            }
            record.status =
                switch end {
                case .finished: .finished
                case .stoppedEarly: .stoppedEarly
                case .interrupted: .interrupted
                }
            record.ended = TimeStamp.universal
            try writeRecord()
            return end
        } catch {
            // What the system refuses (data that are gone) has spoiled nothing: the run may go on from here.
            if (error as? ZooError)?.code == .system { try? save() }
            try? pictures?.finish()  // the first error is the one to tell
            record.status = .failed
            record.message = "\(error)"
            record.ended = TimeStamp.universal
            try? writeRecord()  // the first error is the one to tell
            throw error
        }
    }

    private var isTimeUp: Bool { settings.timeLimit.map { (ContinuousClock.now - start).inSeconds >= $0 } ?? false }

    /// Seconds the run has taken, interruptions left out.
    private var seconds: Double { secondsBefore + (ContinuousClock.now - start).inSeconds }

    private func take(_ step: StepRecord) throws {
        try onEvent(.step(step))
        if let means = step.interval {
            try addMetrics(StepSummary.line(step, means, seconds: secondsBefore + step.seconds))
        }
        if step.epoch == 1, trainer.state.batch < trainer.stepsPerEpoch, step.step < trainer.totalSteps,
            RunPictures.areDue(step: step.step)
        {
            try pictures?.draw(step, weights: trainer.plan.model.inferenceWeights)
        }
        try saveIfDue(step.step)
    }

    /// Adds a line to `metrics.jsonl`.
    private func addMetrics(_ json: JSONValue) throws {
        let line = json.text()
        metrics += line + "\n"
        try folder.append(line, to: folder.metricsFile)
    }

    private func finish(_ epoch: EpochRecord) throws {
        var epoch = epoch
        epoch.seconds += secondsBefore
        try onEvent(.epoch(epoch))
        try addMetrics(epoch.json)
        record.add(EpochSummary(epoch))
        imagesPerSecond = epoch.imagesPerSecond
        try warnOfCollapse(epoch)
        // Before the state: a run that is killed and resumed has the pictures of all its epochs.
        try pictures?.draw(epoch, weights: trainer.plan.model.inferenceWeights)
        try pictures?.finish()
        try save(isBest: epoch.isBest)
        try writeRecord()
    }

    private func warnOfCollapse(_ epoch: EpochRecord) throws {
        guard let active = epoch.activeCount else { return }
        let isSettled = epoch.scheduled == trainer.plan.scheduledNumbers(step: .max)
        if let warning = collapse.warning(activeCount: active, isSettled: isSettled, step: epoch.step) {
            try onEvent(.warning(warning))
        }
    }

    /// Saves between epochs as often as was asked for. The last step of an epoch is saved with the epoch.
    private func saveIfDue(_ step: Int) throws {
        let sinceSave = (ContinuousClock.now - lastSave).inSeconds
        guard let interval = settings.saveInterval, interval.isDue(step: step, seconds: sinceSave),
            trainer.state.batch < trainer.stepsPerEpoch, step < trainer.totalSteps
        else { return }
        try save()
        try writeRecord()
    }

    /// Saves the state, unless it is saved already.
    private func save(isBest: Bool = false) throws {
        let state = trainer.state
        guard state != savedState else { return }
        var checkpoint = Checkpoint(trainer, metrics: metrics, elapsedSeconds: seconds)
        try checkpoint.requireFinite()
        checkpoint.describe(dataset, digest: datasetDigest, splits: trainer.splits)
        checkpoint.provenance.merge(settings.provenance) { $1 }
        let path = try checkpoints.save(checkpoint, step: state.step, isBest: isBest)
        record.checkpoint = path
        record.steps = state.step
        record.epochsDone = state.epoch
        record.seconds = seconds
        savedState = state
        lastSave = ContinuousClock.now
        try onEvent(.saved(checkpoint: path))
    }

    /// Adds statistics of the latent space over the test images to the last and the best checkpoint.
    private func addLatentStatistics() throws {
        // The numbers of a codebook's vectors have no mean and no variance.
        guard !trainer.splits.test.isEmpty, trainer.definition.codeCount == nil, let path = record.checkpoint else {
            return
        }
        let last = try Checkpoint.read(from: path)
        let best = try FilePresence.isPresent(checkpoints.best) ? Checkpoint.read(from: checkpoints.best) : nil
        let isBest = best?.progress?.step == last.progress?.step
        try store(try withLatentStatistics(last), isBest: isBest)
        if !isBest, let best { try store(try withLatentStatistics(best), isBest: true) }
    }

    private func withLatentStatistics(_ checkpoint: Checkpoint) throws -> Checkpoint {
        var checkpoint = checkpoint
        let plan = try InferencePlan(trainer.definition, weights: checkpoint.inferenceWeights, batchSize: 500)
        checkpoint.latentStatistics = try LatentStatistics(
            of: dataset, indices: trainer.splits.test, split: Split.test.rawValue, plan: plan)
        return checkpoint
    }

    /// Writes a checkpoint again: in the place of its step, if that is still kept, and as the best if it is.
    private func store(_ checkpoint: Checkpoint, isBest: Bool) throws {
        guard let step = checkpoint.progress?.step, access(checkpoints.file(step: step), F_OK) == 0 else {
            return try checkpoint.write(to: checkpoints.best)
        }
        try checkpoints.save(checkpoint, step: step, isBest: isBest)
    }

    private func writeRecord() throws {
        try folder.write(record.json.text(indented: true) + "\n", to: "run.json")
    }
}

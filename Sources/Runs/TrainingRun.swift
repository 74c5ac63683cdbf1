import Checkpoints
import Datasets
import Figures
import FileSupport
import Glibc
import LatentTools
import ModelKit
import Planning
import TensorCore
import Training

/// A training run with its folder: trains, records, saves, draws.
final class TrainingRun {
    /// What a run needs to know besides the model, the data and the folder.
    struct Settings {
        var isQuiet = false
        var command: [String] = []
        var saveInterval: SaveInterval?
        /// What the checkpoints say of where they come from, besides what every run knows.
        var provenance: [String: String] = [:]
    }

    let folder: RunFolder
    private let lock: FileLock
    private var checkpoints: CheckpointFolder
    private let trainer: Trainer
    private let dataset: any Dataset
    private let view: TrainingProgressView
    private let settings: Settings
    private var record: RunRecord
    private var metrics: String
    private let datasetDigest: String
    private let start = ContinuousClock.now
    /// Seconds the run had taken before it was gone on with.
    private let secondsBefore: Double
    /// nil for a model that does not work on images.
    private let pictures: RunPictures?
    private var savedState: TrainingState?
    private var lastSave: ContinuousClock.Instant
    private var collapse: CollapseWatch
    /// Training speed of the last epoch; nil before one has ended.
    private(set) var imagesPerSecond: Double?

    /// A run in `folder`, whose lock the caller has taken.
    ///
    /// - Parameters:
    ///   - datasetDigest: the digest of `dataset`.
    ///   - resumed: the checkpoint that `trainer` goes on from.
    init(
        _ trainer: Trainer, dataset: any Dataset, datasetDigest: String, folder: RunFolder, lock: consuming FileLock,
        resumed: (path: String, checkpoint: Checkpoint)? = nil, settings: Settings
    ) throws {
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
        view = TrainingProgressView(isQuiet: settings.isQuiet)
        collapse = CollapseWatch(latentSize: trainer.definition.latentSize)
        pictures = try RunPictures(trainer, dataset: dataset, folder: folder)
        let definition = trainer.definition
        record = RunRecord(
            model: definition.name, family: definition.family, dataset: dataset.info.name,
            datasetDigest: datasetDigest, seed: trainer.seed, batchSize: trainer.plan.batchSize,
            epochs: trainer.epochCount, totalSteps: trainer.totalSteps,
            stepsPerEpoch: trainer.stepsPerEpoch, parameterCount: trainer.plan.model.graph.parameterCount,
            command: settings.command,
            started: TimeStamp.universal, environment: RunRecord.environment(definition.training.precision))
        record.saveInterval = settings.saveInterval?.description
        if let resumed { try takeUp(resumed.path) }
        // Before there is a record: a run that is killed at any time after this can be gone on with.
        try save()
        try folder.write(definition.text, to: "definition.yaml")
        try folder.write(metrics, to: "metrics.jsonl")
        try writeRecord()
    }

    /// Takes over from the record and the metrics what the run did before.
    private func takeUp(_ path: String) throws {
        let history = MetricsHistory(metrics)
        if let problem = history.problem { throw problem }
        for epoch in history.epochs { record.add(epoch) }
        record.steps = trainer.state.step
        record.epochsDone = trainer.state.epoch
        record.seconds = secondsBefore
        // A run that is gone on with in a new folder has no record yet, and a lost one need not stop anybody.
        if let before = try? folder.record() {
            record.started = before.started
            record.resumptions = before.resumptions + 1
        }
        if path == checkpoints.file(step: trainer.state.step) {
            savedState = trainer.state
            record.checkpoint = path
        }
    }

    /// Trains to the end, to an early stop or to Ctrl-C; the state is saved in each case.
    ///
    /// - Throws: what went wrong, after it is recorded in `run.json`.
    func run() throws -> (end: TrainingEnd, record: RunRecord) {
        Interruption.watch()
        do {
            let end = try trainer.run(
                shouldStop: { Interruption.isRequested },
                onEvent: { event in
                    switch event {
                    case .step(let step): try take(step)
                    case .evaluation(let progress): view.show(progress)
                    case .epoch(let epoch): try finish(epoch)
                    }
                })
            view.clearLine()
            try save()
            if end != .interrupted {
                view.say("statistics of the latent space …")
                try addLatentStatistics()
                view.say("the animation of the run's pictures …")
                try pictures?.animation()?.write(to: "\(folder.path)/training.gif")
                view.clearLine()
            }
            record.status =
                switch end {
                case .finished: .finished
                case .stoppedEarly: .stoppedEarly
                case .interrupted: .interrupted
                }
            record.ended = TimeStamp.universal
            try writeRecord()
            return (end, record)
        } catch {
            view.clearLine()
            record.status = .failed
            record.message = "\(error)"
            record.ended = TimeStamp.universal
            try? writeRecord()  // the first error is the one to tell
            throw error
        }
    }

    /// Seconds the run has taken, interruptions left out.
    private var seconds: Double { secondsBefore + (ContinuousClock.now - start).inSeconds }

    private func take(_ step: StepRecord) throws {
        view.show(step)
        if let means = step.interval {
            try addMetrics(StepSummary.line(step, means, seconds: secondsBefore + step.seconds))
        }
        if step.epoch == 1, trainer.state.batch < trainer.stepsPerEpoch, step.step < trainer.totalSteps,
            RunPictures.areDue(step: step.step)
        {
            try pictures?.draw(step, weights: trainer.plan.model.weights)
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
        view.show(epoch, epochCount: trainer.epochCount, latentSize: trainer.definition.latentSize)
        try addMetrics(epoch.json)
        record.add(EpochSummary(epoch))
        imagesPerSecond = epoch.imagesPerSecond
        warnOfCollapse(epoch)
        try pictures?.draw(epoch, weights: trainer.plan.model.weights)
        try save(isBest: epoch.isBest)
        try writeRecord()
    }

    private func warnOfCollapse(_ epoch: EpochRecord) {
        guard let active = epoch.activeCount else { return }
        let objective = trainer.definition.objective
        let end = (objective.klWeight(step: .max), objective.klCapacity(step: .max))
        let isSettled = (epoch.klWeight, epoch.klCapacity) == end
        if let warning = collapse.warning(activeCount: active, isSettled: isSettled) { Console.warn(warning) }
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
        record.checkpoint = try checkpoints.save(checkpoint, step: state.step, isBest: isBest)
        record.steps = state.step
        record.epochsDone = state.epoch
        record.seconds = seconds
        savedState = state
        lastSave = ContinuousClock.now
    }

    /// Adds statistics of the latent space over the test images to the last and the best checkpoint.
    private func addLatentStatistics() throws {
        guard !trainer.splits.test.isEmpty, let path = record.checkpoint else { return }
        let last = try Checkpoint.read(from: path)
        let best = access(checkpoints.best, F_OK) == 0 ? try Checkpoint.read(from: checkpoints.best) : nil
        let isBest = best?.progress?.step == last.progress?.step
        try store(try withLatentStatistics(last), isBest: isBest)
        if !isBest, let best { try store(try withLatentStatistics(best), isBest: true) }
    }

    private func withLatentStatistics(_ checkpoint: Checkpoint) throws -> Checkpoint {
        var checkpoint = checkpoint
        let plan = try InferencePlan(
            trainer.definition, weights: checkpoint.weights, batchSize: 500, engine: CPUEngine())
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

extension CompiledModel {
    /// Parameters and running statistics.
    var weights: [NamedTensor] { parameters + buffers }
}

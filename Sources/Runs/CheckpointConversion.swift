import Checkpoints
import Datasets
import ModelKit
import Planning
import TensorCore
import Training

extension Checkpoint {
    /// The state of a trainer, whole: training can go on from it as if nothing had happened.
    init(_ trainer: Trainer, metrics: String, elapsedSeconds: Double) {
        let model = trainer.plan.model
        self.init(
            definition: trainer.definition.text, model: trainer.definition.name, family: trainer.definition.family,
            parameters: model.parameters)
        buffers = model.buffers
        optimizer = model.optimizerState.map { OptimizerSlot(name: $0.slot.rawValue, tensors: $0.tensors) }
        let state = trainer.state
        progress = TrainingProgress(
            epoch: state.epoch, step: state.step, imagesSeenInEpoch: state.images, batchesInEpoch: state.batch,
            stepLimit: trainer.stepLimit, elapsedSeconds: elapsedSeconds, seed: trainer.seed,
            randomStreamVersion: RandomStream.version, optimizerStep: state.step, bestMetric: state.bestLoss,
            evaluationsWithoutImprovement: state.epochsWithoutImprovement,
            runningSums: [
                "loss": state.lossSum, "reconstruction": state.reconstructionSum, "kl": state.klSum,
                "interval_images": Double(state.interval.images), "interval_loss": state.interval.loss,
                "interval_reconstruction": state.interval.reconstruction, "interval_kl": state.interval.kl,
                "final_loss": state.finalLossSum,
            ])
        self.metrics = metrics
        provenance = Provenance.ofThisProcess
        provenance["precision"] = trainer.definition.training.precision.rawValue
        provenance["time"] = TimeStamp.universal
    }

    /// Says which data the model is trained on.
    mutating func describe(_ dataset: any Dataset, digest: String, splits: DataSplits) {
        self.dataset = dataset.info.name
        datasetDigest = digest
        provenance["splits"] =
            "\(splits.train.count) train, \(splits.validation.count) validation, \(splits.test.count) test"
        provenance["dataset_license"] = dataset.info.license
        provenance["dataset_source"] = dataset.info.source
    }

    /// - Throws: `ZooError` naming the first tensor with a value that is not finite: nobody could go on from that.
    func requireFinite() throws {
        guard let culprit = weights.first(where: { !$0.values.allSatisfy(\.isFinite) }) else { return }
        throw ZooError(
            "\(culprit.path) holds values that are not finite, so the state is not saved; the checkpoints before are as they were",
            advice: "lower the learning rate (--learning-rate), or clip gradients (--set training.clip_norm=1)")
    }

    /// The definition as it was run.
    func definition(_ registry: Registry, source: String) throws -> ModelDefinition {
        try ModelDefinition(text: definition, source: source, registry: registry)
    }
}

/// What a checkpoint says of the program and machine that wrote it.
enum Provenance {
    /// Everything on which the last bits of the results depend, but for the definition, the seed and the data.
    static var ofThisProcess: [String: String] {
        [
            "tool": "zoo \(ZooContext.version)",
            "engine": CPUEngine.version,
            "instruction_set": CPUEngine.instructionSet,
            "threads": String(CPUEngine.threadCount),
            "preprocessing": "bytes / 255",
        ]
    }

    /// Where the process differs from the one that wrote a checkpoint: `threads 2 → 1`.
    static func differences(from old: [String: String]) -> [String] {
        ofThisProcess.sorted { $0.key < $1.key }.compactMap { key, now in
            old[key].flatMap { $0 == now ? nil : "\(key) \($0) → \(now)" }
        }
    }
}

extension Trainer {
    /// Goes on from a checkpoint.
    ///
    /// - Throws: `ZooError` where the checkpoint is slim or does not fit.
    func resume(from checkpoint: Checkpoint) throws {
        guard let progress = checkpoint.progress else {
            throw ZooError(
                "the checkpoint holds weights only, not the state of training",
                advice: "resume from a full checkpoint of the run, or begin a run with its weights: --init-from")
        }
        guard progress.randomStreamVersion == RandomStream.version else {
            throw ZooError(
                "the checkpoint counts on version \(progress.randomStreamVersion) of the random numbers, "
                    + "and this zoo has version \(RandomStream.version): going on would not be exact",
                advice: "resume with the zoo that wrote it, or begin a run with its weights: --init-from")
        }
        try plan.model.load(checkpoint.weights)
        try plan.model.loadOptimizerState(
            checkpoint.optimizer.compactMap { slot in
                UpdateRule.Slot(rawValue: slot.name).map { (slot: $0, tensors: slot.tensors) }
            })
        var state = TrainingState()
        state.epoch = progress.epoch
        state.step = progress.step
        state.batch = progress.batchesInEpoch
        state.images = progress.imagesSeenInEpoch
        state.bestLoss = progress.bestMetric
        state.epochsWithoutImprovement = progress.evaluationsWithoutImprovement
        state.lossSum = progress.runningSums["loss"] ?? 0
        state.reconstructionSum = progress.runningSums["reconstruction"] ?? 0
        state.klSum = progress.runningSums["kl"] ?? 0
        // Checkpoints of older versions have none: the first interval then begins here.
        let images = progress.runningSums["interval_images"] ?? 0
        state.interval.images = (0...1e12).contains(images) ? Int(images) : 0
        state.interval.loss = progress.runningSums["interval_loss"] ?? 0
        state.interval.reconstruction = progress.runningSums["interval_reconstruction"] ?? 0
        state.interval.kl = progress.runningSums["interval_kl"] ?? 0
        // Older checkpoints monitored the loss as it was.
        state.finalLossSum = progress.runningSums["final_loss"] ?? state.lossSum
        try resume(from: state)
    }
}

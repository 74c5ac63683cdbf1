import Checkpoints
import ModelKit
import Planning
import TensorCore
import Training

extension Checkpoint {
    /// The state of a trainer, whole: training can go on from it as if nothing had happened.
    init(_ trainer: Trainer, dataset: String, metrics: String) {
        let model = trainer.plan.model
        self.init(
            definition: trainer.definition.text, model: trainer.definition.name, family: trainer.definition.family,
            parameters: model.parameters)
        buffers = model.buffers
        optimizer = model.optimizerState.map { OptimizerSlot(name: $0.slot.rawValue, tensors: $0.tensors) }
        let state = trainer.state
        progress = TrainingProgress(
            epoch: state.epoch, step: state.step, imagesSeenInEpoch: state.images, seed: trainer.seed,
            optimizerStep: state.step, bestMetric: state.bestLoss,
            evaluationsWithoutImprovement: state.epochsWithoutImprovement,
            runningSums: [
                "batch": Double(state.batch), "loss": state.lossSum, "reconstruction": state.reconstructionSum,
                "kl": state.klSum,
            ])
        self.metrics = metrics
        self.dataset = dataset
        provenance = [
            "tool": "zoo \(ZooContext.version)",
            "engine": "onednn \(OneDNNEngine.libraryVersion)",
            "instruction_set": OneDNNEngine.instructionSet,
            "threads": String(OneDNNEngine.threadCount),
            "precision": "f32",
            "preprocessing": "bytes / 255",
        ]
    }

    /// The definition as it was run.
    func definition(_ registry: Registry, source: String) throws -> ModelDefinition {
        try ModelDefinition(text: definition, source: source, registry: registry)
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
                advice: "resume from a full checkpoint of the run")
        }
        try plan.model.load(checkpoint.weights)
        try plan.model.loadOptimizerState(
            checkpoint.optimizer.compactMap { slot in
                UpdateRule.Slot(rawValue: slot.name).map { (slot: $0, tensors: slot.tensors) }
            })
        var state = TrainingState()
        state.epoch = progress.epoch
        state.step = progress.step
        state.images = progress.imagesSeenInEpoch
        state.bestLoss = progress.bestMetric
        state.epochsWithoutImprovement = progress.evaluationsWithoutImprovement
        state.batch = Int(progress.runningSums["batch"] ?? 0)
        state.lossSum = progress.runningSums["loss"] ?? 0
        state.reconstructionSum = progress.runningSums["reconstruction"] ?? 0
        state.klSum = progress.runningSums["kl"] ?? 0
        resume(from: state)
    }
}

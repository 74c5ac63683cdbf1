import Checkpoints
import Datasets
import ModelKit
import Planning
import TensorCore
import TextSupport
import Training

extension Checkpoint {
    /// The state of a trainer, whole: training can go on from it as if nothing had happened.
    public init(_ trainer: Trainer, metrics: String, elapsedSeconds: Double) {
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
            runningSums: state.runningSums)
        self.metrics = metrics
        provenance = Provenance.ofThisProcess
        provenance["precision"] = trainer.definition.training.precision.rawValue
        provenance["time"] = TimeStamp.universal
    }

    /// Says which data the model is trained on.
    public mutating func describe(_ dataset: any Dataset, digest: String, splits: DataSplits) {
        self.dataset = dataset.info.name
        datasetDigest = digest
        scaling = dataset.valueScaling
        provenance["pictures"] = dataset.imagePreparation?.text
        provenance["preprocessing"] = scaling?.words(isVector: dataset.info.isVector) ?? "bytes / 255"
        provenance["splits"] =
            "\(splits.train.count) train, \(splits.validation.count) validation, \(splits.test.count) test"
        provenance["monitored"] = splits.validation.isEmpty ? Split.train.rawValue : Split.validation.rawValue
        provenance["dataset_license"] = dataset.info.license
        provenance["dataset_source"] = dataset.info.source
    }

    /// What it says of the data; nil where it names no data set.
    public var trainingData: TrainingData? {
        dataset.map { TrainingData(name: $0, scaling: scaling, preparation: provenance["pictures"]) }
    }

    /// The checkpoint without what only training needs, for publishing, with the command that made it where its run says so.
    ///
    /// - Parameter path: its file.
    public func published(from path: String) -> Checkpoint {
        var slim = slimmed()
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 2, parts[parts.count - 2] == "checkpoints" else { return slim }
        let folder = RunFolder(path: parts.dropLast(2).joined(separator: "/"))
        guard folder.hasRecord, let command = try? folder.record().command, !command.isEmpty else { return slim }
        // Programs, folders and files by their names alone: where they lie on the machine that trained is nobody's concern.
        slim.provenance["command"] = CommandText.text(
            command.map { word in
                word.hasPrefix("/") ? word.split(separator: "/").last.map(String.init) ?? word : word
            })
        return slim
    }

    /// How many images the run kept for validation; nil where the checkpoint does not say.
    var validationCount: Int? {
        let counts = (provenance["splits"] ?? "").split(separator: ",").compactMap { part -> Int? in
            let words = part.split(separator: " ")
            return words.count == 2 && words[1] == "validation" ? Int(words[0]) : nil
        }
        return counts.first.flatMap { (0...Int(Int32.max)).contains($0) ? $0 : nil }
    }

    /// - Throws: `ZooError` naming the first tensor with a value that is not finite: nobody could go on from that.
    public func requireFinite() throws {
        guard let culprit = weights.first(where: { !$0.values.allSatisfy(\.isFinite) }) else { return }
        throw ZooError(
            "\(culprit.path) holds values that are not finite, so the state is not saved; the checkpoints before are as they were",
            code: .notFinite, subject: .tensor(culprit.path), remedy: .stabilize)
    }

    /// The definition as it was run.
    public func definition(_ registry: Registry, source: String) throws -> ModelDefinition {
        try ModelDefinition(text: definition, source: source, registry: registry)
    }
}

/// What a checkpoint says of the program and machine that wrote it.
public enum Provenance {
    /// Everything on which the last bits of the results depend, but for the definition, the seed and the data.
    public static var ofThisProcess: [String: String] {
        [
            "tool": "zoo \(ZooVersion.current)",
            "engine": Computing.engineVersion,
            "instruction_set": Computing.instructionSet,
            "threads": String(Computing.threadCount),
        ]
    }

    /// Where the process differs from the one that wrote a checkpoint: `threads 2 → 1`.
    public static func differences(from old: [String: String]) -> [String] {
        ofThisProcess.sorted { $0.key < $1.key }.compactMap { key, now in
            old[key].flatMap { $0 == now ? nil : "\(key) \($0) → \(now)" }
        }
    }
}

extension Trainer {
    /// Takes the state of a checkpoint: parameters, buffers, the optimiser's state and the place in the run.
    ///
    /// - Throws: `ZooError` where the checkpoint is slim or does not fit.
    public func resume(from checkpoint: Checkpoint) throws {
        let slots = plan.model.graph.program.update?.slots.map(\.rawValue) ?? []
        let missing = slots.filter { slot in !checkpoint.optimizer.contains { $0.name == slot } }
        guard let progress = checkpoint.progress, missing.isEmpty else {
            let what =
                checkpoint.progress == nil
                ? "is slim" : "lacks the optimiser's state (\(missing.joined(separator: ", ")))"
            throw ZooError(
                "the checkpoint \(what): it holds weights to evaluate, sample, export or begin a run with, but training "
                    + "cannot go on from it", code: .unsupported, remedy: .initializeFrom(checkpoint: nil))
        }
        guard progress.randomStreamVersion == RandomStream.version else {
            throw ZooError(
                "the checkpoint counts on version \(progress.randomStreamVersion) of the random numbers, "
                    + "and this zoo has version \(RandomStream.version): going on would not be exact",
                code: .unsupported, remedy: .useSameVersion)
        }
        try plan.model.load(checkpoint.weights)
        try plan.model.loadOptimizerState(
            checkpoint.optimizer.compactMap { slot in
                UpdateRule.Slot(rawValue: slot.name).map { (slot: $0, tensors: slot.tensors) }
            })
        var state = TrainingState(metricNames: plan.metricNames, runningSums: progress.runningSums)
        state.epoch = progress.epoch
        state.step = progress.step
        state.batch = progress.batchesInEpoch
        state.sums.images = progress.imagesSeenInEpoch
        state.bestLoss = progress.bestMetric
        state.epochsWithoutImprovement = progress.evaluationsWithoutImprovement
        if checkpoint.provenance["monitored"] == nil {
            // Older versions went by the test images, whose loss is not to be compared with this one's.
            state.bestLoss = nil
            state.epochsWithoutImprovement = 0
        }
        try resume(from: state)
    }
}

extension TrainingState {
    /// The sums of the epoch and of the interval under way, by name: what a checkpoint keeps of them.
    fileprivate var runningSums: [String: Double] {
        var named = ["loss": sums.loss, "final_loss": finalLossSum, "interval_loss": interval.loss]
        named["interval_images"] = Double(interval.images)
        for (name, value) in sums.metrics.values { named[name] = value }
        for (name, value) in interval.metrics.values { named["interval_" + name] = value }
        return named
    }

    /// - Parameter runningSums: as a checkpoint has them; what it lacks is zero.
    fileprivate init(metricNames: [String], runningSums: [String: Double]) {
        self.init(metricNames: metricNames)
        sums.loss = runningSums["loss"] ?? 0
        interval.loss = runningSums["interval_loss"] ?? 0
        // Checkpoints of older versions have none: the first interval then begins here.
        let images = runningSums["interval_images"] ?? 0
        interval.images = (0...1e12).contains(images) ? Int(images) : 0
        for (index, name) in metricNames.enumerated() {
            sums.metrics[index] = runningSums[name] ?? 0
            interval.metrics[index] = runningSums["interval_" + name] ?? 0
        }
        // Older checkpoints monitored the loss as it was.
        finalLossSum = runningSums["final_loss"] ?? sums.loss
    }
}

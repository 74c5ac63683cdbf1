import Checkpoints
import Datasets
import Figures
import Glibc
import LatentTools
import ModelKit
import Planning
import TensorCore
import Training

/// A training run with its folder: trains, records, saves, draws.
final class TrainingRun {
    let folder: RunFolder
    private let trainer: Trainer
    private let dataset: any Dataset
    private let view: TrainingProgressView
    private let isQuiet: Bool
    private var record: RunRecord
    private var metrics: String
    private var pictures: Pictures?
    private var pictureIndices: [Int32] = []
    private var pictureImages: [UInt8] = []
    private var savedStep = -1
    private var previousActive: Int?
    private let keptCheckpoints = 3

    init(
        _ trainer: Trainer, dataset: any Dataset, folder: RunFolder, metrics: String = "", isQuiet: Bool,
        command: [String]
    ) throws {
        self.trainer = trainer
        self.dataset = dataset
        self.folder = folder
        self.metrics = metrics
        self.isQuiet = isQuiet
        view = TrainingProgressView(isQuiet: isQuiet)
        let definition = trainer.definition
        record = RunRecord(
            model: definition.name, family: definition.family, dataset: dataset.info.name, seed: trainer.seed,
            batchSize: trainer.plan.batchSize, epochs: trainer.epochCount, totalSteps: trainer.totalSteps,
            parameterCount: trainer.plan.model.graph.parameterCount, command: command, started: TimeStamp.universal)
        try folder.write(definition.text, to: "definition.yaml")
        try writeRecord()
        if Pictures.canShow(definition) {
            pictures = try Pictures(
                InferencePlan(definition, weights: trainer.plan.model.weights, engine: OneDNNEngine()))
            let shown = trainer.splits.test.isEmpty ? trainer.splits.train : trainer.splits.test
            pictureIndices = Pictures.spread(shown, count: 10)
            pictureImages = dataset.images(pictureIndices)
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
                    case .step(let step): view.show(step)
                    case .epoch(let epoch): try finish(epoch)
                    }
                })
            view.clearLine()
            try save()
            if end != .interrupted { try addLatentStatistics() }
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

    private func finish(_ epoch: EpochRecord) throws {
        view.show(epoch, epochCount: trainer.epochCount, latentSize: trainer.definition.latentSize)
        let line = epoch.json.text()
        metrics += line + "\n"
        try folder.append(line, to: "metrics.jsonl")
        record.epochsDone = epoch.epoch
        record.last = epoch
        if epoch.isBest {
            record.best = (epoch.epoch, (epoch.validation ?? epoch.test ?? epoch.train).loss)
        }
        warnOfCollapse(epoch)
        try draw(epoch)
        try save(isBest: epoch.isBest)
        try writeRecord()
    }

    private func warnOfCollapse(_ epoch: EpochRecord) {
        guard let active = epoch.activeCount else { return }
        defer { previousActive = active }
        let size = trainer.definition.latentSize
        if active == 0 {
            Console.warn(
                "all \(size) latent dimensions have collapsed: the decoder ignores them "
                    + "(less KL weight, a warm-up or free_nats may help)")
        } else if let previous = previousActive, active * 4 < previous * 3 {
            Console.warn("latent dimensions are collapsing: \(active) of \(size) are active, \(previous) an epoch ago")
        }
    }

    private func draw(_ epoch: EpochRecord) throws {
        guard let pictures else { return }
        try pictures.plan.load(trainer.plan.model.weights)
        let digits = String(epoch.epoch)
        let number = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        let name = trainer.definition.name
        let footer =
            "\(name), \(dataset.info.name), epoch \(epoch.epoch), step \(epoch.step), seed \(trainer.seed)"
            + (epoch.test.map { ", test loss \(Formatting.decimals($0.loss, 2)) nats/image" } ?? "")
        if trainer.definition.isVariational {
            let latents = Pictures.priorLatents(
                count: 64, size: trainer.definition.latentSize, seed: trainer.seed)
            try pictures.samples(latents, words: FigureWords(title: "Samples from the prior", footer: footer))
                .write(to: "\(folder.pictures)/samples-epoch-\(number).png")
        }
        guard !pictureImages.isEmpty else { return }
        try pictures.reconstructions(
            pictureImages, names: pictureIndices.map { "\($0)" },
            words: FigureWords(title: "Test images and their reconstructions", footer: footer)
        ).grid.write(to: "\(folder.pictures)/reconstructions-epoch-\(number).png")
    }

    /// Saves the state, unless this step is saved already.
    private func save(isBest: Bool = false) throws {
        let step = trainer.state.step
        guard step > 0, step != savedStep else { return }
        let checkpoint = Checkpoint(trainer, dataset: dataset.info.name, metrics: metrics)
        let path = folder.checkpoint(step: step)
        try checkpoint.write(to: path)
        if isBest { try checkpoint.write(to: folder.bestCheckpoint) }
        folder.prune(keeping: keptCheckpoints)
        savedStep = step
        record.steps = step
        record.checkpoint = path
    }

    /// Adds statistics of the latent space over the test images to the last and the best checkpoint.
    private func addLatentStatistics() throws {
        guard !trainer.splits.test.isEmpty else { return }
        for path in [folder.bestCheckpoint, record.checkpoint].compactMap({ $0 }) where access(path, F_OK) == 0 {
            var checkpoint = try Checkpoint.read(from: path)
            let plan = try InferencePlan(
                trainer.definition, weights: checkpoint.weights, batchSize: 500, engine: OneDNNEngine())
            checkpoint.latentStatistics = try LatentStatistics(
                of: dataset, indices: trainer.splits.test, split: Split.test.rawValue, plan: plan)
            try checkpoint.write(to: path)
        }
    }

    private func writeRecord() throws {
        try folder.write(record.json.text(indented: true) + "\n", to: "run.json")
    }
}

extension CompiledModel {
    /// Parameters and running statistics.
    var weights: [NamedTensor] { parameters + buffers }
}

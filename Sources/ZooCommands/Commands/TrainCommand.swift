import ArgumentParser
import Checkpoints
import Datasets
import ModelKit
import Planning
import TensorCore
import Training

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model.",
        discussion: """
            Writes a run folder with the definition, metrics, checkpoints and pictures. Ctrl-C saves and stops.

              zoo train beta-vae-sprites --steps 2000
              zoo train conv-vae-cifar --data-dir ~/data --epochs 20 --set objective.kl.weight=2
              zoo train --resume runs/conv-vae-cifar-20261120-231501 --epochs 40
            """)

    @Argument(help: "A model's name (see `zoo list`) or a definition file.")
    var model: String?

    @OptionGroup var models: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(parsing: .unconditional, help: "Epochs to train.")
    var epochs: Int?

    @Option(parsing: .unconditional, help: "Steps to train, instead of whole epochs.")
    var steps: Int?

    @Option(parsing: .unconditional, help: "Images per step.")
    var batchSize: Int?

    @Option(parsing: .unconditional, help: "The optimiser's learning rate.")
    var learningRate: Double?

    @Option(help: "Seed of everything random.")
    var seed: UInt64?

    @Option(parsing: .unconditional, help: "Threads that compute (default: all cores).")
    var threads: Int?

    @Option(name: .customLong("set"), help: ArgumentHelp("Change a field of the definition.", valueName: "path=value"))
    var overrides: [String] = []

    @Option(help: ArgumentHelp("The run's folder (default: runs/MODEL-TIME).", valueName: "dir"))
    var runDir: String?

    @Option(help: ArgumentHelp("Go on with a run or checkpoint, exactly.", valueName: "run"))
    var resume: String?

    @Flag(help: "Check everything and say what would be done, but do not train.")
    var dryRun = false

    @Flag(help: "End with one JSON object on standard output.")
    var json = false

    @Flag(name: .shortAndLong, help: "No progress.")
    var quiet = false

    func validate() throws {
        if let steps, steps < 1 { throw ValidationError("--steps must be at least 1, is \(steps)") }
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads must lie in 1…1024, is \(threads)")
        }
        if steps != nil, epochs != nil { throw ValidationError("give --steps or --epochs, not both") }
        if (model == nil) == (resume == nil) { throw ValidationError("give a model to train, or --resume with a run") }
        if resume != nil, seed != nil || runDir != nil || batchSize != nil || learningRate != nil || !overrides.isEmpty
        {
            throw ValidationError(
                "--resume goes on as the run began: it takes no --seed, --run-dir, --batch-size, "
                    + "--learning-rate or --set")
        }
    }

    func run() throws {
        Computing.use(threads: threads)
        if let resume { return try resumeRun(resume) }
        let registry = try models.registry()
        let definition = try definition(registry)
        let dataset = try data.open(
            fallback: definition.dataset, shape: definition.input.dimensions, downloads: true)
        let trainer = try Trainer(
            definition, dataset: dataset, seed: seed ?? 0, stepLimit: steps, engine: OneDNNEngine())
        announce(trainer, dataset)
        if dryRun {
            Console.print(definition.text)
            return
        }
        let folder = try RunFolder.create(runDir ?? RunFolder.defaultPath(model: definition.name))
        try train(trainer, dataset, folder, metrics: "")
    }

    /// The definition with all overrides; flags are overrides too.
    private func definition(_ registry: Registry) throws -> ModelDefinition {
        var changes = try overrides.map { try DefinitionOverride(argument: $0) }
        if let name = data.dataset { changes.append(DefinitionOverride(path: ["dataset"], value: name)) }
        if let epochs { changes.append(DefinitionOverride(path: ["training", "epochs"], value: "\(epochs)")) }
        if let batchSize {
            changes.append(DefinitionOverride(path: ["training", "batch_size"], value: "\(batchSize)"))
        }
        let argument = model ?? ""
        guard let learningRate else {
            return try ModelArgument.definition(argument, overrides: changes, registry: registry)
        }
        let base = try ModelArgument.definition(argument, overrides: changes, registry: registry)
        let optimizer =
            switch base.training.update.method {
            case .sgd: "sgd"
            case .adam: "adam"
            case .adamW: "adamw"
            }
        changes.append(
            DefinitionOverride(path: ["training", "optimizer", optimizer, "learning_rate"], value: "\(learningRate)"))
        return try ModelArgument.definition(argument, overrides: changes, registry: registry)
    }

    private func resumeRun(_ path: String) throws {
        let (file, checkpoint) =
            path.hasSuffix(".h5")
            ? (path, try Checkpoint.read(from: path)) : try RunFolder(path: path).newestCheckpoint()
        let registry = try models.registry()
        let changes = epochs.map { [DefinitionOverride(path: ["training", "epochs"], value: "\($0)")] } ?? []
        let definition = try ModelDefinition(
            text: checkpoint.definition, source: file, overrides: changes, registry: registry)
        let dataset = try data.open(
            fallback: checkpoint.dataset ?? definition.dataset, shape: definition.input.dimensions)
        let trainer = try Trainer(
            definition, dataset: dataset, seed: checkpoint.progress?.seed ?? 0, stepLimit: steps, engine: OneDNNEngine()
        )
        try trainer.resume(from: checkpoint)
        guard trainer.state.step < trainer.totalSteps, trainer.state.epoch < trainer.epochCount else {
            throw ZooError(
                "\(file) has made \(trainer.state.step) of \(trainer.totalSteps) steps: nothing is left to do",
                advice: "ask for more with --epochs or --steps", kind: .usage)
        }
        announce(trainer, dataset)
        if dryRun {
            Console.print(definition.text)
            return
        }
        let folder =
            path.hasSuffix(".h5")
            ? try RunFolder.create(RunFolder.defaultPath(model: definition.name)) : RunFolder(path: path)
        try folder.write(checkpoint.metrics, to: "metrics.jsonl")
        try train(trainer, dataset, folder, metrics: checkpoint.metrics)
    }

    private func announce(_ trainer: Trainer, _ dataset: any Dataset) {
        guard !quiet else { return }
        let definition = trainer.definition
        let counts = [
            ("train", trainer.splits.train), ("validation", trainer.splits.validation), ("test", trainer.splits.test),
        ]
        .filter { !$0.1.isEmpty }.map { "\(Formatting.grouped($0.1.count)) \($0.0)" }.joined(separator: ", ")
        Console.writeError(
            "\(Console.style(definition.name, .bold)): \(Formatting.grouped(trainer.plan.model.graph.parameterCount)) "
                + "parameters, minimises \(definition.objective.formula) in nats per image")
        Console.writeError(
            "\(dataset.info.name): \(counts) images; \(Formatting.grouped(trainer.totalSteps - trainer.state.step)) steps of "
                + "\(trainer.plan.batchSize) images, \(OneDNNEngine.threadCount) threads")
    }

    private func train(
        _ trainer: Trainer, _ dataset: any Dataset, _ folder: RunFolder, metrics: String
    ) throws {
        let start = ContinuousClock.now
        let run = try TrainingRun(
            trainer, dataset: dataset, folder: folder, metrics: metrics, isQuiet: quiet, command: CommandLine.arguments)
        let stepsBefore = trainer.state.step
        let (end, record) = try run.run()
        let duration = ContinuousClock.now - start
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
        if !quiet {
            if case .stoppedEarly(let epoch) = end { Console.writeError("stopped early after epoch \(epoch)") }
            if end == .interrupted {
                Console.writeError("interrupted; go on with: zoo train --resume \(folder.path)")
            }
            Console.writeError("\(Console.style("saved", .green)) \(record.checkpoint ?? "no checkpoint")")
        }
        if json {
            let images = Double((trainer.state.step - stepsBefore) * trainer.plan.batchSize)
            Console.print(
                JSONValue.object([
                    ("model", .string(record.model)), ("run", .string(folder.path)),
                    ("checkpoint", JSONValue(record.checkpoint)), ("epochs", .integer(record.epochsDone)),
                    ("steps", .integer(trainer.state.step)), ("seconds", .number(seconds)),
                    ("images_per_second", .number(record.last?.imagesPerSecond ?? images / seconds)),
                    ("train", record.last?.train.json ?? .null), ("test", record.last?.test?.json ?? .null),
                ]).text())
        }
        if end == .interrupted { throw ExitStatus.interrupted }
    }
}

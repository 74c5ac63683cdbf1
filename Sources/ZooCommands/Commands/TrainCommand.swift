import ArgumentParser
import Checkpoints
import Datasets
import ModelKit
import Planning
import Runs
import TensorCore
import TextSupport
import Training

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model.",
        discussion: """
            Writes a run folder with the definition, metrics, checkpoints and pictures. Ctrl-C, SIGTERM and SIGUSR1 save and
            stop; a run that was killed goes on from its newest checkpoint as if nothing had happened.

              \(Tool.name) train beta-vae-sprites --steps 2000 --save-every 500steps
              \(Tool.name) train conv-vae-cifar --data-dir ~/data --epochs 20 --set objective.kl.weight=2
              \(Tool.name) train mlp-vae-points --array measurements.csv --labels species
              \(Tool.name) train --resume runs/conv-vae-cifar-20261120-231501 --epochs 40
            """)

    @Argument(help: "A model's name (see `\(Tool.name) list`) or a definition file.", completion: .model)
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

    @Option(help: "Number format of matrix products and activations: f32 or bf16.")
    var precision: Precision?

    @Option(help: "Seed of everything random.")
    var seed: UInt64?

    @Option(parsing: .unconditional, help: "Threads that compute (default: all cores).")
    var threads: Int?

    @OptionGroup var changes: OverrideOptions

    @Option(
        help: ArgumentHelp("The run's folder (default: runs/MODEL-TIME).", valueName: "dir"), completion: .directory)
    var runDir: String?

    @Option(help: ArgumentHelp("Go on with a run or checkpoint, exactly.", valueName: "run"), completion: .trained)
    var resume: String?

    @Option(help: ArgumentHelp("Save between epochs, too: 500steps, 30s, 10min, 2h.", valueName: "interval"))
    var saveEvery: SaveInterval?

    @Option(
        help: ArgumentHelp("Save and stop after so long, to be resumed: 30min, 3h.", valueName: "time"))
    var stopAfter: TimeLimit?

    @Option(
        help: ArgumentHelp("Begin with the weights of a checkpoint or run.", valueName: "checkpoint"),
        completion: .trained)
    var initFrom: String?

    @Flag(help: "With --init-from: take the weights that fit, and begin the others at random.")
    var initPartial = false

    @Option(help: "A note for whoever gets the checkpoints.")
    var notes: String?

    @Option(help: "The licence of the weights, for whoever gets the checkpoints.")
    var license: String?

    @Flag(help: "Check everything and say what would be done, but do not train.")
    var dryRun = false

    @Flag(help: "End with one JSON object on standard output.")
    var json = false

    @Flag(name: .shortAndLong, help: "No progress.")
    var quiet = false

    func validate() throws {
        try requireRange("--steps", steps, 1...Trainer.maximumStepCount)
        if steps != nil, epochs != nil { throw ValidationError("give --steps or --epochs, not both") }
        if model == nil, resume == nil, initFrom == nil {
            throw ValidationError("give a model to train, or --resume with a run")
        }
        if initPartial, initFrom == nil { throw ValidationError("--init-partial needs --init-from") }
        guard resume != nil else { return }
        if model != nil { throw ValidationError("--resume takes the model from the run: give no other") }
        let isChanged =
            seed != nil || runDir != nil || batchSize != nil || learningRate != nil || precision != nil
            || !changes.arguments.isEmpty || initFrom != nil
        if isChanged {
            throw ValidationError(
                "--resume goes on as the run began: it takes no --seed, --run-dir, --batch-size, "
                    + "--learning-rate, --precision, --set or --init-from")
        }
    }

    func run() throws {
        try Computing.use(threads: threads)
        if let resume { return try resumeRun(resume) }
        let registry = try models.registry()
        let definition = try definition(registry)
        let choice = try data.choice(for: definition)
        if dryRun, let download = choice.downloadAhead {
            _ = try ModelGraph(definition, purpose: .training)
            if !quiet {
                Console.writeError("\(choice.name) is not on this machine: training would first download \(download)")
            }
            return Console.print(lines: definition.text)
        }
        try choice.prepareForTraining()
        let dataset = try choice.openWithProgress()
        let trainer = try Trainer(definition, dataset: dataset, seed: seed ?? 0, stepLimit: steps)
        let weights = try initFrom.map {
            try InitialWeights(
                TrainedModel($0, registry: registry), into: trainer.plan.model, isPartial: initPartial)
        }
        announce(trainer, dataset)
        if !quiet, let weights { for line in weights.report { Console.writeError(line) } }
        if dryRun {
            Console.print(lines: definition.text)
            return
        }
        let end = try finish(
            try TrainingRun(
                trainer, dataset: dataset, settings: settings(command: [Tool.name] + ZooContext.arguments),
                initialWeights: weights), weights)
        if end == .interrupted { throw ExitStatus.interrupted }
    }

    /// Begins or resumes a run in a folder of its own, and trains it to its end.
    ///
    /// - Parameter command: what makes the run.
    func train(_ planned: PlannedRun, registry: Registry, command: [String]) throws -> TrainingEnd {
        try Computing.use(threads: threads)
        let run = try planned.run(registry: registry, settings: settings(command: command)) {
            try data.choice(for: $0, trainedOn: $1).openWithProgress()
        }
        guard let run else { return .finished }
        announce(run.trainer, run.dataset)
        return try finish(run, nil)
    }

    /// The definition with all overrides; flags are overrides too. Where the data are numbers of another shape than the model
    /// takes, and only its input and its last layer have to follow, they do.
    func definition(_ registry: Registry) throws -> ModelDefinition {
        let definition = try statedDefinition(registry)
        guard data.array != nil || data.dataset != nil, !changes.arguments.contains(where: { $0.hasPrefix("input=") }),
            let shape = try data.choice(for: definition).numericShape(),
            let fitting = definition.overrides(fitting: shape), !fitting.isEmpty
        else { return definition }
        return try ModelDefinition(
            text: definition.text, source: definition.name, overrides: fitting, registry: registry)
    }

    private func statedDefinition(_ registry: Registry) throws -> ModelDefinition {
        var changes = try changes.overrides()
        if let name = data.dataset ?? data.array.map({ _ in "array" }) {
            changes.append(DefinitionOverride(path: ["dataset"], text: name))
        }
        if let epochs { changes.append(DefinitionOverride(path: ["training", "epochs"], value: "\(epochs)")) }
        if let batchSize {
            changes.append(DefinitionOverride(path: ["training", "batch_size"], value: "\(batchSize)"))
        }
        if let precision {
            changes.append(DefinitionOverride(path: ["training", "precision"], value: precision.rawValue))
        }
        let argument = model ?? initFrom ?? ""
        guard let learningRate else {
            return try NamedModel(argument: argument, overrides: changes, registry: registry).definition
        }
        let base = try NamedModel(argument: argument, overrides: changes, registry: registry).definition
        let optimizer =
            switch base.training.update.method {
            case .sgd: "sgd"
            case .adam: "adam"
            case .adamW: "adamw"
            }
        changes.append(
            DefinitionOverride(path: ["training", "optimizer", optimizer, "learning_rate"], value: "\(learningRate)"))
        return try NamedModel(argument: argument, overrides: changes, registry: registry).definition
    }

    private func resumeRun(_ path: String) throws {
        let changes = epochs.map { [DefinitionOverride(path: ["training", "epochs"], value: "\($0)")] } ?? []
        let resumption = try Resumption(
            path, overrides: changes, stepLimit: steps, registry: try models.registry(), writes: !dryRun
        ) { try data.choice(for: $0, trainedOn: $1).openWithProgress() }
        for note in resumption.notes { Console.warn(note) }
        let trainer = resumption.trainer
        if trainer.hasRunOutOfPatience, let patience = trainer.definition.training.patience {
            let stopped =
                "\(resumption.path) has stopped early at step \(trainer.state.step): no better loss for \(patience) epochs "
                + "(training.patience)"
            guard steps == nil, epochs == nil, resumption.folder != nil else {
                throw ZooError(stopped, kind: .usage, remedy: .initializeFrom(checkpoint: path))
            }
            if !quiet { Console.writeError(stopped) }
        } else if trainer.isDone {
            let made =
                "\(resumption.path) has made \(trainer.state.step) of \(trainer.totalSteps) steps: nothing is left to do"
            guard steps == nil, epochs == nil, resumption.folder != nil else {
                throw ZooError(made, kind: .usage, remedy: .trainLonger)
            }
            if !quiet { Console.writeError(made + "; ask for more with --epochs or --steps") }
        }
        announce(trainer, resumption.dataset)
        if dryRun {
            Console.print(lines: trainer.definition.text)
            return
        }
        let differences = resumption.differences
        if !differences.isEmpty {
            Console.warn("not to the last bit as without interruption: \(differences.joined(separator: ", "))")
        }
        let end = try finish(
            try TrainingRun(resumption, settings: settings(command: [Tool.name] + ZooContext.arguments)), nil)
        if end == .interrupted { throw ExitStatus.interrupted }
    }

    /// What the user says of the run.
    private func settings(command: [String]) -> TrainingRun.Settings {
        let said = [("notes", notes), ("license", license)].compactMap { key, text in text.map { (key, $0) } }
        return TrainingRun.Settings(
            folder: runDir, seed: seed ?? 0, stepLimit: steps, saveInterval: saveEvery,
            timeLimit: stopAfter?.seconds, provenance: Dictionary(uniqueKeysWithValues: said), command: command)
    }

    private func announce(_ trainer: Trainer, _ dataset: any Dataset) {
        guard !quiet else { return }
        let definition = trainer.definition
        let counts = [
            ("train", trainer.splits.train), ("validation", trainer.splits.validation), ("test", trainer.splits.test),
        ]
        .filter { !$0.1.isEmpty }.map { "\(Formatting.grouped($0.1.count)) \($0.0)" }.joined(separator: ", ")
        Console.writeError(
            definition.name, .bold,
            ": \(Formatting.grouped(trainer.plan.model.graph.parameterCount)) "
                + "parameters, minimises \(definition.objective.formula) in nats per image")
        if let scaling = dataset.valueScaling {
            Console.writeError(
                "\(dataset.info.name): rows \(Shape(dataset.info.shape)), "
                    + scaling.words(isVector: dataset.info.isVector))
        }
        Console.writeError(
            "\(dataset.info.name): \(counts) \(dataset.info.isVector ? "vectors" : "images"); \(Formatting.grouped(trainer.totalSteps - trainer.state.step)) steps of "
                + "\(trainer.plan.batchSize) images, \(Computing.threadCount) threads")
        if trainer.splits.validation.isEmpty {
            Console.writeError(
                "no validation images: best.h5 goes by the training loss (--set training.validation=N keeps N images)")
        }
    }

    /// Trains and says what came of it.
    private func finish(_ run: TrainingRun, _ weights: InitialWeights?) throws -> TrainingEnd {
        let start = ContinuousClock.now
        let trainer = run.trainer
        let stepsBefore = trainer.state.step
        let view = TrainingProgressView(trainer, isQuiet: quiet)
        Interruption.watch()
        defer { view.clearLine() }
        let end = try run.train(until: Interruption.isRequested, onEvent: view.show)
        view.clearLine()
        let record = run.record
        let seconds = (ContinuousClock.now - start).inSeconds
        if !quiet {
            if case .stoppedEarly(let epoch) = end { Console.writeError("stopped early after epoch \(epoch)") }
            if end == .interrupted {
                Console.writeError("interrupted; resume with: \(Tool.name) train --resume \(run.folder.path)")
            }
            let size = Formatting.bytes(run.folder.byteCount)
            Console.writeError("saved", .green, " \(record.checkpoint ?? "no checkpoint") (the run has \(size))")
        }
        if json {
            let images = Double((trainer.state.step - stepsBefore) * trainer.plan.batchSize)
            let report: JSONValue = [
                "model": record.model, "run": run.folder.path, "checkpoint": record.checkpoint,
                "epochs": record.epochsDone, "steps": trainer.state.step, "seconds": seconds,
                "images_per_second": run.imagesPerSecond ?? images / max(1e-9, seconds),
                "train": record.last?.train.json, "test": record.last?.test?.json,
            ]
            let weights = weights.map { ["initial_weights": $0.json] as JSONValue } ?? [:]
            Console.print((report + weights).text())
        }
        return end
    }
}

import ArgumentParser
import ModelKit
import Runs
import TensorCore
import Training

/// A `zoo train` command line with a run folder, to be called until it is finished: it begins, goes on, or has nothing to do.
struct ResumableTraining {
    /// Of `zoo train`, without `--run-dir`.
    let arguments: [String]
    private let command: TrainCommand
    let registry: Registry
    let planned: PlannedRun

    var folder: String { planned.folder }
    var definition: ModelDefinition { planned.definition }

    /// - Throws: `ZooError` or `DefinitionError` where `zoo train` would not take the arguments.
    init(arguments: [String], folder: String) throws {
        self.arguments = arguments
        command = try Self.parse(arguments)
        registry = try command.models.registry()
        planned = PlannedRun(
            try command.definition(registry), seed: command.seed ?? 0, stepLimit: command.steps, folder: folder)
    }

    /// What is in the folder.
    ///
    /// - Throws: `ZooError` where it holds a run of something else, or somebody trains there.
    func state() throws -> PlannedRun.State { try planned.state(registry: registry) }

    /// Begins or resumes the run in this process, and trains it to its end.
    ///
    /// - Throws: `ZooError` where it cannot.
    func train() throws -> TrainingEnd {
        try command.train(planned, registry: registry, command: [Tool.name] + startCommand)
    }

    /// Downloads the data that training needs, if anything is left to train.
    ///
    /// - Throws: `ZooError` where it is neither here nor to be had.
    func prepareData() throws {
        // What is wrong with the folder is said when the run's turn comes.
        guard let state = try? state(), state != .finished else { return }
        try command.data.choice(for: definition).prepareForTraining()
    }

    /// `zoo train`, to be run from nothing by hand.
    var startCommand: [String] { ["train"] + arguments + ["--run-dir", folder] }

    /// Reads the options of `zoo train`.
    ///
    /// - Throws: `ZooError` (wrong usage) where they are wrong, or have a meaning that only a single run has.
    static func parse(_ arguments: [String]) throws -> TrainCommand {
        let command: TrainCommand
        do {
            command = try TrainCommand.parse(arguments)
        } catch {
            let misuse = TrainCommand.misuse(error, arguments)
            throw ZooError(
                misuse.message, advice: misuse.advice?.replacing("`train ", with: "`\(Tool.name) train "),
                kind: .usage)
        }
        guard command.resume == nil, command.runDir == nil else {
            throw ZooError(
                "--resume and --run-dir belong to a single run", advice: "name the folder of all runs with --output",
                kind: .usage)
        }
        return command
    }

    /// What `zoo` has to be called with to begin or resume it.
    ///
    /// - Throws: `ZooError` where the record of the run cannot be read.
    func command(from state: PlannedRun.State) throws -> [String] {
        guard state != .absent else { return startCommand }
        var arguments = ["train", "--resume", folder]
        // What it was to make at first holds unless there is more to do now.
        if let steps = try planned.newStepLimit() { arguments += ["--steps", "\(steps)"] }
        if try !planned.changes(since: RunFolder(path: folder).record()).isEmpty {
            arguments += ["--epochs", "\(definition.training.epochs)"]
        }
        if let zoo = command.models.zoo { arguments += ["--zoo", zoo] }
        arguments += command.data.arguments(isTrained: true)
        if let threads = command.threads { arguments += ["--threads", "\(threads)"] }
        return arguments + (command.quiet ? ["--quiet"] : [])
    }
}

import ArgumentParser
import Checkpoints
import Glibc
import ModelKit
import TensorCore

/// A `zoo train` command line with a run folder, to be called until it is finished: it begins, goes on, or has nothing to do.
struct ResumableTraining {
    /// What is in the folder.
    enum State: Equatable {
        case absent
        /// A state to go on from is saved.
        case unfinished(step: Int)
        case finished
    }

    /// Of `zoo train`, without `--run-dir`.
    let arguments: [String]
    let folder: String
    private let command: TrainCommand
    let definition: ModelDefinition

    /// - Throws: `ZooError` or `DefinitionError` where `zoo train` would not take the arguments.
    init(arguments: [String], folder: String) throws {
        self.arguments = arguments
        self.folder = folder
        command = try Self.parse(arguments)
        definition = try command.definition(try command.models.registry())
    }

    /// Downloads the data that training needs, if anything is left to train.
    ///
    /// - Throws: `ZooError` where it is neither here nor to be had.
    func prepareData() throws {
        // What is wrong with the folder is said when the run's turn comes.
        guard (try? nextCommand()) != nil else { return }
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

    /// What `zoo` has to be called with now; nil if nothing is left to do.
    ///
    /// - Throws: `ZooError` where the folder holds a run of something else.
    func nextCommand() throws -> (arguments: [String], state: State)? {
        let state = try state()
        switch state {
        case .finished: return nil
        case .absent: return (startCommand, state)
        case .unfinished:
            var arguments = ["train", "--resume", folder]
            // What it was to make at first holds unless there is more to do now.
            let record = try RunFolder(path: folder).record()
            if let steps = command.steps {
                if steps != record.totalSteps { arguments += ["--steps", "\(steps)"] }
            } else if definition.training.epochs != record.epochs {
                arguments += ["--epochs", "\(definition.training.epochs)"]
            }
            if let zoo = command.models.zoo { arguments += ["--zoo", zoo] }
            if let directory = command.data.dataDir { arguments += ["--data-dir", directory] }
            if let dataset = command.data.dataset { arguments += ["--dataset", dataset] }
            if let images = command.data.imageFolder { arguments += ["--image-folder", images] }
            if let threads = command.threads { arguments += ["--threads", "\(threads)"] }
            return (arguments + (command.quiet ? ["--quiet"] : []), state)
        }
    }

    /// - Throws: `ZooError` where the folder holds a run of something else, or somebody trains there.
    func state() throws -> State {
        try RunFolder.requireNoLink(folder)
        let run = RunFolder(path: folder)
        guard access(run.recordFile, F_OK) == 0 else { return .absent }
        let record = try run.record()
        let stored = String(decoding: try RegularFile.text(of: folder + "/definition.yaml"), as: UTF8.self)
        guard try canonical(stored) == canonical(definition.text), record.seed == command.seed ?? 0 else {
            throw ZooError(
                "\(folder) holds a run of \(record.model) with another definition or seed",
                advice: "choose another --output, or remove that folder", kind: .usage)
        }
        if let writer = run.writer { throw ZooError("\(folder) is in use: \(writer) is training there") }
        guard !run.checkpoints.entries.isEmpty else {
            // It was stopped before it had anything to keep.
            for file in [run.recordFile, run.metricsFile] { unlink(file) }
            return .absent
        }
        if record.status == .stoppedEarly { return .finished }
        if record.status == .finished {
            let isDone = command.steps.map { record.steps >= $0 } ?? (record.epochsDone >= definition.training.epochs)
            if isDone { return .finished }
        }
        return .unfinished(step: record.steps)
    }

    /// A definition's text without what may grow: the number of epochs.
    private func canonical(_ text: String) throws -> String {
        try ModelDefinition(
            text: text, source: folder, overrides: [DefinitionOverride(path: ["training", "epochs"], value: "1")],
            registry: try command.models.registry()
        ).text
    }
}

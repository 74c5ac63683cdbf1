import Checkpoints
import Datasets
import FileSupport
import Glibc
import ModelKit
import Planning
import TensorCore
import Training

/// A run that is to be in a folder, to be trained until it is finished: it begins, is resumed, or has nothing to do.
public struct PlannedRun: Sendable {
    /// What is in the folder.
    public enum State: Sendable, Equatable {
        case absent
        /// A state to go on from is saved.
        case unfinished(step: Int)
        case finished
    }

    public var definition: ModelDefinition
    public var seed: UInt64
    /// Steps to make, whatever the number of epochs; nil for whole epochs.
    public var stepLimit: Int?
    public var folder: String

    public init(_ definition: ModelDefinition, seed: UInt64 = 0, stepLimit: Int? = nil, folder: String) {
        self.definition = definition
        self.seed = seed
        self.stepLimit = stepLimit
        self.folder = folder
    }

    /// What is in the folder. A run that was stopped before it had anything to keep is cleared away.
    ///
    /// - Throws: `ZooError` where the folder holds a run of something else, or somebody trains there.
    public func state(registry: Registry) throws -> State {
        try RunFolder.requireNoLink(folder)
        let run = RunFolder(path: folder)
        guard try FilePresence.isPresent(run.recordFile) else { return .absent }
        let record = try run.record()
        let stored = String(decoding: try RegularFile.text(of: folder + "/definition.yaml"), as: UTF8.self)
        guard try canonical(stored, registry) == canonical(definition.text, registry), record.seed == seed else {
            throw ZooError(
                "\(folder) holds a run of \(record.model) with another definition or seed",
                advice: "choose another folder, or remove that one", kind: .usage, code: .alreadyExists,
                subject: .path(folder))
        }
        if let writer = run.writer {
            throw ZooError(
                "\(folder) is in use: \(writer) is training there", code: .inUse, subject: .path(folder))
        }
        try run.checkpoints.requireReadable()
        guard !run.checkpoints.entries.isEmpty else {
            for file in [run.recordFile, run.metricsFile] { unlink(file) }
            return .absent
        }
        if record.status == .stoppedEarly { return .finished }
        if record.status == .finished {
            let isDone = stepLimit.map { record.steps >= $0 } ?? (record.epochsDone >= definition.training.epochs)
            if isDone { return .finished }
        }
        return .unfinished(step: record.steps)
    }

    /// The run, begun or resumed; nil where it is finished.
    ///
    /// - Parameters:
    ///   - settings: its folder, seed and limit are those of this plan.
    ///   - openDataset: opens the data set of a model, given what is known of the one that the run was trained on.
    /// - Throws: `ZooError` where the folder holds a run of something else, or the run cannot begin or be resumed.
    public func run(
        registry: Registry, settings: TrainingRun.Settings = TrainingRun.Settings(),
        openDataset: (ModelDefinition, _ trainedOn: TrainingData?) throws -> any Dataset
    ) throws -> TrainingRun? {
        var settings = settings
        settings.folder = folder
        settings.seed = seed
        settings.stepLimit = stepLimit
        switch try state(registry: registry) {
        case .finished: return nil
        case .absent:
            return try TrainingRun(definition, dataset: try openDataset(definition, nil), settings: settings)
        case .unfinished:
            return try TrainingRun(
                try Resumption(
                    folder, overrides: changes(since: try RunFolder(path: folder).record()), stepLimit: newStepLimit(),
                    registry: registry, openDataset: openDataset), settings: settings)
        }
    }

    /// The steps to make now, where they are not what the run was to make at first.
    public func newStepLimit() throws -> Int? {
        guard let stepLimit else { return nil }
        return try RunFolder(path: folder).record().totalSteps == stepLimit ? nil : stepLimit
    }

    /// What was to be made at first holds unless there is more to do now.
    public func changes(since record: RunRecord) -> [DefinitionOverride] {
        guard stepLimit == nil, definition.training.epochs != record.epochs else { return [] }
        return [DefinitionOverride(path: ["training", "epochs"], value: "\(definition.training.epochs)")]
    }

    /// A definition's text without what may grow: the number of epochs.
    private func canonical(_ text: String, _ registry: Registry) throws -> String {
        try ModelDefinition(
            text: text, source: folder, overrides: [DefinitionOverride(path: ["training", "epochs"], value: "1")],
            registry: registry
        ).text
    }
}

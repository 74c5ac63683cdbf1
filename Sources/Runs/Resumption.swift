import Checkpoints
import Datasets
import FileSupport
import ModelKit
import Planning
import TensorCore
import Training

/// A run that is to be resumed: its newest checkpoint, read, and the trainer in that state.
///
/// As long as the value lives, nobody else can train in the run's folder.
public struct Resumption: ~Copyable {
    /// The run's folder; nil for a checkpoint's file, whose run goes on in a new folder.
    public let folder: RunFolder?
    /// The checkpoint's file.
    public let path: String
    public let checkpoint: Checkpoint
    /// What `run.json` says; nil for a checkpoint's file, or where it is lost.
    public let record: RunRecord?
    public let dataset: any Dataset
    public let trainer: Trainer
    let datasetDigest: String
    /// Newer checkpoints that cannot be read, and why.
    public let notes: [String]
    private var lock: FileLock?

    /// Reads the newest checkpoint of a run and brings a trainer into its state.
    ///
    /// - Parameters:
    ///   - path: a run's folder, or a checkpoint's file.
    ///   - overrides: what is to change in the definition: `training.epochs`.
    ///   - stepLimit: the steps to make in all; nil for as many as were asked for at first.
    ///   - registry: what the definition may name.
    ///   - writes: whether the run is to be trained. Without, nothing is locked, and the value is only to be looked at.
    ///   - openDataset: opens the data set of a model, given what is known of the one that the run was trained on.
    /// - Throws: `ZooError` where there is no checkpoint, somebody trains there, or the data are others than they were.
    public init(
        _ path: String, overrides: [DefinitionOverride] = [], stepLimit: Int? = nil, registry: Registry,
        writes: Bool = true, openDataset: (ModelDefinition, _ trainedOn: TrainingData?) throws -> any Dataset
    ) throws {
        let source = CheckpointSource(path)
        let isFile = !source.isFolder && path.hasSuffix(".h5")
        let folder = isFile ? nil : RunFolder(path: path)
        // Nobody may save into the folder between looking for the newest checkpoint and going on from it.
        try folder?.requireRun()
        let lock = try Self.lock(writes ? folder : nil)
        let newest: CheckpointFolder.Newest
        if let folder {
            newest = try folder.newestCheckpoint()
        } else {
            newest = CheckpointFolder.Newest(path: path, checkpoint: try Checkpoint.read(from: path), rejected: [])
        }
        let definition = try ModelDefinition(
            text: newest.checkpoint.definition, source: newest.path, overrides: overrides, registry: registry)
        let dataset = try openDataset(definition, newest.checkpoint.trainingData)
        let digest = try dataset.digest()
        if let before = newest.checkpoint.datasetDigest, before != digest {
            throw ZooError(
                "\(dataset.info.name) is not the data that \(newest.path) was trained on: its SHA-256 is \(digest), "
                    + "and was \(before)",
                code: .mismatch, subject: .path(newest.path), remedy: .giveSameData(checkpoint: path))
        }
        let trainer = try Trainer(
            definition, dataset: dataset, seed: newest.checkpoint.progress?.seed ?? 0,
            stepLimit: stepLimit ?? (overrides.isEmpty ? newest.checkpoint.progress?.stepLimit : nil),
            validationCount: newest.checkpoint.validationCount)
        do {
            try trainer.resume(from: newest.checkpoint)
        } catch let error as ZooError {
            throw error.at(newest.path)
        }
        self.folder = folder
        self.path = newest.path
        checkpoint = newest.checkpoint
        notes = newest.rejected.map { "passed over: \($0.reason)" }
        record = try? folder?.record()
        self.dataset = dataset
        datasetDigest = digest
        self.trainer = trainer
        self.lock = lock
    }

    private static func lock(_ folder: RunFolder?) throws -> FileLock? {
        guard let folder else { return nil }
        return try folder.lock()
    }

    /// Where this process differs from the one that wrote the checkpoint, so that the run will not be the same to the last
    /// bit: `threads 2 → 1`.
    public var differences: [String] { Provenance.differences(from: checkpoint.provenance) }

    mutating func takeLock() -> FileLock? {
        let taken = lock.take()
        return taken
    }
}

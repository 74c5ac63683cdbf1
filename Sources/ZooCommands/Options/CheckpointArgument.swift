import Checkpoints
import Glibc
import ModelKit
import Planning
import TensorCore

/// A checkpoint given on the command line: a file, or a run's folder.
enum CheckpointArgument {
    /// Whether it is a folder, and so a run's.
    static func isFolder(_ argument: String) -> Bool {
        var status = stat()
        return stat(argument, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The checkpoint, of a run its newest.
    ///
    /// - Throws: `ZooError` where there is none or it cannot be read.
    static func read(_ argument: String) throws -> (path: String, checkpoint: Checkpoint) {
        if isFolder(argument) { return try RunFolder(path: argument).newestCheckpoint() }
        return (argument, try Checkpoint.read(from: argument))
    }

    /// The file, or all checkpoints of a run.
    ///
    /// - Throws: `ZooError` for a folder without checkpoints.
    static func files(_ argument: String) throws -> [String] {
        guard isFolder(argument) else { return [argument] }
        try RunFolder(path: argument).requireRun()
        let folder = RunFolder(path: argument).checkpoints
        let best = access(folder.best, F_OK) == 0 ? [folder.best] : []
        let files = folder.entries.map(\.path) + best
        guard !files.isEmpty else { throw ZooError("\(argument) has no checkpoints", kind: .usage) }
        return files
    }
}

/// A trained model given on the command line: a checkpoint file or a run's folder (its newest checkpoint).
struct TrainedModel {
    let path: String
    let checkpoint: Checkpoint
    let definition: ModelDefinition
    /// The losses of the run, as far as this checkpoint knows them.
    let history: MetricsHistory

    /// - Throws: `ZooError` or `DefinitionError` where there is no checkpoint or it cannot be read.
    init(_ argument: String, registry: Registry) throws {
        (path, checkpoint) = try CheckpointArgument.read(argument)
        definition = try checkpoint.definition(registry, source: path)
        history = MetricsHistory(checkpoint.metrics)
    }

    func inference() throws -> InferencePlan {
        try InferencePlan(definition, weights: checkpoint.weights, engine: CPUEngine())
    }

    /// The data set it was trained on; nil where nobody knows.
    var dataset: String? { checkpoint.dataset ?? definition.dataset }

    /// Its pictures.
    /// - Throws: `ZooError` for a model whose inputs are not images of 1 or 3 channels.
    func pictures() throws -> Pictures { try Pictures(try inference()) }

    /// - Parameter purpose: what needs a prior, for instance `to draw from`.
    /// - Throws: `ZooError` of kind `usage` for a plain autoencoder, which learns no prior.
    func requirePrior(_ purpose: String, advice: String) throws {
        guard definition.isVariational else {
            throw ZooError(
                "\(definition.name) is a plain autoencoder: it has no prior \(purpose)", advice: advice, kind: .usage)
        }
    }
}

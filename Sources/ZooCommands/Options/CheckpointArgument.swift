import Checkpoints
import Glibc
import ModelKit
import Planning
import TensorCore

/// A trained model given on the command line: a checkpoint file or a run's folder (its newest checkpoint).
struct TrainedModel {
    let path: String
    let checkpoint: Checkpoint
    let definition: ModelDefinition
    /// The losses of the run, as far as this checkpoint knows them.
    let history: MetricsHistory

    /// - Throws: `ZooError` or `DefinitionError` where there is no checkpoint or it cannot be read.
    init(_ argument: String, registry: Registry) throws {
        var status = stat()
        if stat(argument, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            (path, checkpoint) = try RunFolder(path: argument).newestCheckpoint()
        } else {
            path = argument
            checkpoint = try Checkpoint.read(from: argument)
        }
        definition = try checkpoint.definition(registry, source: path)
        history = MetricsHistory(checkpoint.metrics)
    }

    func inference() throws -> InferencePlan {
        try InferencePlan(definition, weights: checkpoint.weights, engine: OneDNNEngine())
    }

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

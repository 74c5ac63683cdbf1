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
    }

    func inference() throws -> InferencePlan {
        try InferencePlan(definition, weights: checkpoint.weights, engine: OneDNNEngine())
    }

    /// What a figure says about where it comes from.
    var caption: String {
        var text = definition.name
        if let dataset = checkpoint.dataset { text += ", \(dataset)" }
        if let progress = checkpoint.progress { text += ", epoch \(progress.epoch), step \(progress.step)" }
        return text
    }
}

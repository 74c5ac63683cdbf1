import Checkpoints
import ModelKit
import TensorCore

/// A model as somebody names it: by a name of the registry, a definition file, a checkpoint or a run's folder.
public struct NamedModel {
    public let definition: ModelDefinition
    /// The checkpoint and its file, where it comes from one.
    public let trained: CheckpointFolder.Newest?

    /// - Parameters:
    ///   - argument: a name; the path of a definition, with a slash in it or ending in `.yaml`; of a checkpoint; or of a run's
    ///     folder, of which it is the newest checkpoint.
    ///   - overrides: changes of the definition, applied in order.
    /// - Throws: `ZooError` where there is no such model or file, `DefinitionError` where the definition is wrong.
    public init(_ argument: String, overrides: [DefinitionOverride] = [], registry: Registry) throws {
        trained = try Self.checkpoint(argument, registry)
        let source =
            try trained.map {
                ModelSource(name: $0.checkpoint.model, text: $0.checkpoint.definition, origin: .file($0.path))
            } ?? Self.source(ofUntrained: argument, registry: registry)
        definition = try ModelDefinition(
            text: source.text, source: source.label, overrides: overrides, registry: registry)
    }

    /// How the names of files of weights end: of checkpoints, and of what an import makes checkpoints of.
    private static let weightEndings = [
        ".h5", ".hdf5", ".safetensors", ".npz", ".npy", ".onnx", ".keras", ".pt", ".pth",
    ]

    /// The checkpoint that the argument names; nil for others.
    private static func checkpoint(_ argument: String, _ registry: Registry) throws -> CheckpointFolder.Newest? {
        let isRun =
            !registry.models.contains { $0.name == argument } && CheckpointSource(argument).isFolder
        guard isRun || weightEndings.contains(where: argument.hasSuffix) else { return nil }
        return try CheckpointSource(argument).newest()
    }

    private static func source(ofUntrained argument: String, registry: Registry) throws -> ModelSource {
        if argument.contains("/") || argument.hasSuffix(".yaml") || argument.hasSuffix(".yml") {
            return try ModelFolders.read(file: argument)
        }
        return try registry.model(argument)
    }
}

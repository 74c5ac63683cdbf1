import ArgumentParser
import Checkpoints
import ModelKit
import Runs
import TensorCore

/// Which models there are and how a definition is changed.
struct ModelOptions: ParsableArguments {
    @Option(
        name: .customLong("zoo"), help: ArgumentHelp("A folder of definitions to add to the zoo.", valueName: "dir"),
        completion: .directory)
    var zoo: String?

    /// The registry with the models of the user's folders.
    func registry() throws -> Registry {
        let context = ZooContext.current
        let found = ModelFolders.find(folder: zoo, builtIn: context.registry)
        for problem in found.problems { Console.warn(lines: problem) }
        return try context.registry.adding(models: found.models)
    }
}

/// A definition given on the command line: a model's name, a definition file, a checkpoint or a run's folder.
enum ModelArgument {
    /// A checkpoint and its path.
    typealias Trained = (path: String, checkpoint: Checkpoint)

    /// The definition, and the checkpoint if it comes from one.
    ///
    /// - Throws: `ZooError` where there is no such model or file, `DefinitionError` where the definition is wrong.
    static func resolve(
        _ argument: String, overrides: [DefinitionOverride] = [], registry: Registry
    ) throws -> (definition: ModelDefinition, trained: Trained?) {
        let trained = try checkpoint(argument, registry)
        let source = try trained.map(Self.source) ?? source(ofUntrained: argument, registry: registry)
        let definition = try ModelDefinition(
            text: source.text, source: source.label, overrides: overrides, registry: registry)
        return (definition, trained)
    }

    /// The definition alone.
    static func definition(
        _ argument: String, overrides: [DefinitionOverride] = [], registry: Registry
    ) throws -> ModelDefinition {
        try resolve(argument, overrides: overrides, registry: registry).definition
    }

    /// How the names of files of weights end: of checkpoints, and of what an import makes checkpoints of.
    private static let weightEndings = [
        ".h5", ".hdf5", ".safetensors", ".npz", ".npy", ".onnx", ".keras", ".pt", ".pth",
    ]

    /// The checkpoint that the argument names (`….h5`, or a run's folder, of which it is the newest); nil for others.
    private static func checkpoint(_ argument: String, _ registry: Registry) throws -> Trained? {
        let isRun =
            !registry.models.contains { $0.name == argument } && CheckpointSource(argument).isFolder
        guard isRun || weightEndings.contains(where: argument.hasSuffix) else { return nil }
        let newest = try CheckpointSource(argument).newestWithWarnings()
        return (newest.path, newest.checkpoint)
    }

    private static func source(_ trained: Trained) -> ModelSource {
        ModelSource(name: trained.checkpoint.model, text: trained.checkpoint.definition, origin: .file(trained.path))
    }

    private static func source(ofUntrained argument: String, registry: Registry) throws -> ModelSource {
        if argument.contains("/") || argument.hasSuffix(".yaml") || argument.hasSuffix(".yml") {
            return try ModelFolders.read(file: argument)
        }
        return try registry.model(argument)
    }
}

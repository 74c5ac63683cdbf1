import ArgumentParser
import Checkpoints
import ModelKit
import Runs

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

extension NamedModel {
    /// The model that an argument names; warns of newer checkpoints that cannot be read.
    init(argument: String, overrides: [DefinitionOverride] = [], registry: Registry) throws {
        try self.init(argument, overrides: overrides, registry: registry)
        for rejection in trained?.rejected ?? [] { Console.warn("passed over: \(rejection.reason)") }
    }
}

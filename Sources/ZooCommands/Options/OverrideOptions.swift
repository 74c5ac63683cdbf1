import ArgumentParser
import ModelKit
import TensorCore

/// How a definition is changed, field by field.
struct OverrideOptions: ParsableArguments {
    @Option(name: .customLong("set"), help: ArgumentHelp("Change a field of the definition.", valueName: "path=value"))
    var arguments: [String] = []

    /// - Throws: `ZooError` (wrong usage).
    func overrides() throws -> [DefinitionOverride] { try arguments.map { try DefinitionOverride(argument: $0) } }
}

extension DefinitionOverride {
    /// Reads `PATH=VALUE`.
    ///
    /// - Throws: `ZooError` (wrong usage).
    init(argument: String) throws {
        guard let separator = argument.firstIndex(of: "="), separator != argument.startIndex else {
            throw ZooError(
                "--set \(argument): expected PATH=VALUE", advice: "for instance --set objective.kl.weight=4",
                kind: .usage)
        }
        let path = argument[..<separator].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !path.contains(""), path.count <= 32 else {
            throw ZooError("--set \(argument): the path has an empty component", kind: .usage)
        }
        self.init(path: path, value: String(argument[argument.index(after: separator)...]))
    }
}

import ModelKit
import TensorCore

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

import TensorCore

/// What is wrong with a definition file.
public struct DefinitionCheck: Sendable {
    /// As it was named.
    public let file: String
    /// nil where something is wrong.
    public let definition: ModelDefinition?
    /// What is wrong within the definition.
    public let problems: [DefinitionProblem]
    /// Why there is nothing to check: the file cannot be read.
    public let failure: String?

    /// Reads and checks a file.
    public init(file: String, registry: Registry) {
        self.file = file
        do {
            definition = try ModelDefinition(
                text: try ModelFolders.read(file: file).text, source: file, registry: registry)
            problems = []
            failure = nil
        } catch {
            definition = nil
            problems = (error as? DefinitionError)?.problems ?? []
            failure = error is DefinitionError ? nil : "\(error)"
        }
    }

    public var problemCount: Int { problems.count + (failure == nil ? 0 : 1) }
}

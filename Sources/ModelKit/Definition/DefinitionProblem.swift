import TensorCore

/// One thing wrong with a definition, and where.
public struct DefinitionProblem: Sendable, Equatable, CustomStringConvertible {
    /// The file as the user named it, or the built-in model's name.
    public var source: String
    /// From 1; nil where no place in a file is to blame (an override, say).
    public var line: Int?
    public var column: Int?
    /// The path within the definition, for instance `encoder.conv1.conv2d.filters`.
    public var path: String
    public var message: String

    public init(source: String, line: Int? = nil, column: Int? = nil, path: String, message: String) {
        self.source = source.printable()
        self.line = line
        self.column = column
        self.path = path.printable()
        self.message = message
    }

    public var description: String {
        var place = source
        if let line { place += ":\(line)" }
        if let column, line != nil { place += ":\(column)" }
        return path.isEmpty ? "\(place): \(message)" : "\(place): \(path): \(message)"
    }
}

/// Everything that is wrong with a definition, all at once.
public struct DefinitionError: Error, Sendable, Equatable, CustomStringConvertible {
    public var problems: [DefinitionProblem]

    public var description: String {
        let lines = problems.map(\.description).joined(separator: "\n")
        return problems.count == 1 ? lines : lines + "\n\(problems.count) problems"
    }
}

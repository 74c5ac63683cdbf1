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
        self.source = source
        self.line = line
        self.column = column
        self.path = path
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

/// The known name nearest to a mistyped one, by edits (insert, delete, replace, swap neighbours); nil if none is near.
public func nearestName(to name: String, among candidates: [String]) -> String? {
    let limit = max(2, name.count / 3)
    return candidates.map { ($0, editDistance(Array(name.lowercased().prefix(64)), Array($0.lowercased().prefix(64)))) }
        .filter { $0.1 <= limit }.min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
}

private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
        var row = [i + 1]
        for j in 0..<b.count {
            var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
            row.append(best)
        }
        rows.append(row)
    }
    return rows[a.count][b.count]
}

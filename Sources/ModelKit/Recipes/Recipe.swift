import TensorCore
import Yams

/// A task as the commands that do it, with a short variant for a first look: a file of `zoo/recipes`.
public struct Recipe: Sendable, Equatable {
    public static let format = "zoo.recipe/1"

    public let name: String
    public let summary: String
    /// Which task of the course it does.
    public let task: String
    /// Values of the settings in braces in the commands.
    public let full: [String: String]
    /// The same for a first look.
    public let quick: [String: String]
    private let lines: [String]

    /// - Throws: `DefinitionError` for what is not YAML, `ZooError` that lists everything else that is wrong.
    public init(text: String, source: String) throws {
        guard case .mapping(let fields) = try DefinitionText.parse(text, source: source) else {
            throw ZooError("\(source): a recipe is a mapping that begins with `format: \(Self.format)`", code: .damaged)
        }
        var problems: [String] = []
        func string(_ field: String) -> String {
            guard case .scalar(let scalar)? = fields[Node(field)], !scalar.string.isEmpty else {
                problems.append("\(field): expected a text")
                return ""
            }
            return scalar.string
        }
        func settings(_ field: String) -> [String: String] {
            guard let node = fields[Node(field)] else { return [:] }
            guard case .mapping(let mapping) = node else {
                problems.append("\(field): expected settings, such as {epochs: 10}")
                return [:]
            }
            return mapping.reduce(into: [:]) { settings, field in
                if case (.scalar(let name), .scalar(let value)) = (field.key, field.value) {
                    settings[name.string] = value.string
                }
            }
        }
        let format = string("format")
        if format != Self.format { problems.append("format: expected \(Self.format), found \(format)") }
        name = string("name")
        summary = string("summary")
        task = string("task")
        full = settings("full")
        quick = settings("quick")
        if Set(full.keys) != Set(quick.keys) { problems.append("full and quick have not the same settings") }
        if case .sequence(let sequence)? = fields[Node("commands")], !sequence.isEmpty {
            lines = sequence.compactMap { if case .scalar(let scalar) = $0 { scalar.string } else { nil } }
            if lines.count != sequence.count { problems.append("commands: each must be a text") }
        } else {
            lines = []
            problems.append("commands: expected a list of commands")
        }
        let known = Set(full.keys).union(["output"])
        for name in lines.flatMap(Self.placeholders) where !known.contains(name) {
            problems.append("commands: {\(name)} has no value in full and quick")
        }
        guard problems.isEmpty else { throw ZooError("\(source): " + problems.joined(separator: "; "), code: .damaged) }
    }

    /// The arguments of each call of `zoo`.
    ///
    /// - Parameter output: the folder for everything that is written.
    public func commands(isQuick: Bool, output: String) -> [[String]] {
        let values = (isQuick ? quick : full).merging(["output": output]) { _, given in given }
        return lines.map { line in
            Self.words(line).map { word in
                values.reduce(word) { $0.replacing("{\($1.key)}", with: $1.value) }
            }
        }
    }

    /// The names in braces: letters, digits and `_`, which tells them from YAML in braces.
    private static func placeholders(_ line: String) -> [String] {
        line.split(separator: "{").dropFirst().compactMap { part in
            guard let end = part.firstIndex(of: "}") else { return nil }
            let name = part[..<end]
            return !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } ? String(name) : nil
        }
    }

    /// The words between blanks; blanks between single quotes belong to a word.
    private static func words(_ line: String) -> [String] {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        for character in line {
            if character == "'" {
                isQuoted.toggle()
            } else if character == " ", !isQuoted {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(character)
            }
        }
        return word.isEmpty ? words : words + [word]
    }
}

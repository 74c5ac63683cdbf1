import TensorCore
import Yams

/// A change of one field of a definition.
public struct DefinitionOverride: Sendable, Equatable {
    /// For instance `encoder.conv1.conv2d.filters`.
    public var path: [String]
    /// YAML.
    public var value: String

    /// - Parameter value: YAML.
    public init(path: [String], value: String) {
        self.path = path
        self.value = value
    }

    /// A field that is to be this text, whatever YAML would make of it.
    public init(path: [String], text: String) {
        self.init(path: path, value: "'" + text.replacing("'", with: "''") + "'")
    }

    var label: String { "\(path.joined(separator: "."))=\(value)" }

    /// Puts the value into the tree. Whether the path means anything is for the reader to say; here only the way there
    /// must exist or be creatable.
    func apply(to node: Node) throws -> Node {
        let value: Node
        do {
            value = Self.withoutPlaces(try DefinitionText.parse(self.value.isEmpty ? "''" : self.value, source: label))
        } catch {
            throw ZooError("\(label): the value is not valid YAML", kind: .usage)
        }
        return try apply(value, to: node, at: 0)
    }

    /// The tree without lines and columns, which would be mistaken for places in the definition's file.
    private static func withoutPlaces(_ node: Node) -> Node {
        switch node {
        case .scalar(let scalar): Node(scalar.string, scalar.tag, scalar.style)
        case .mapping(let mapping):
            Node(mapping.map { (withoutPlaces($0.key), withoutPlaces($0.value)) }, mapping.tag, mapping.style)
        case .sequence(let sequence): Node(sequence.map(withoutPlaces), sequence.tag, sequence.style)
        default: node
        }
    }

    private func apply(_ value: Node, to node: Node, at depth: Int) throws -> Node {
        guard depth < path.count else { return value }
        let name = path[depth]
        switch node {
        case .mapping(var mapping):
            let key = Node(name)
            mapping[key] = try apply(value, to: mapping[key] ?? Node.mapping(Node.Mapping([])), at: depth + 1)
            return .mapping(mapping)
        case .sequence(var sequence):
            for (index, item) in sequence.enumerated() {
                guard case .mapping(var entry) = item, let first = entry.first, case .scalar(let scalar) = first.key,
                    scalar.string == name
                else { continue }
                entry[first.key] = try apply(value, to: first.value, at: depth + 1)
                sequence[index] = .mapping(entry)
                return .sequence(sequence)
            }
            let names = sequence.compactMap { item -> String? in
                guard case .mapping(let entry) = item, case .scalar(let key)? = entry.first?.key else { return nil }
                return key.string
            }
            let near = nearestName(to: name, among: names).map { "did you mean \($0)?" }
            throw ZooError(
                "\(label): \(path[..<depth].joined(separator: ".")) has no entry \(name)",
                advice: near ?? "it has \(names.joined(separator: ", "))", kind: .usage)
        default:
            throw ZooError(
                "\(label): \(path[..<depth].joined(separator: ".")) is \(NodeReader.describe(node)) and has no fields",
                advice: "set it as a whole, for instance '\(path[..<depth].joined(separator: "."))={\(name): …}'",
                kind: .usage)
        }
    }
}

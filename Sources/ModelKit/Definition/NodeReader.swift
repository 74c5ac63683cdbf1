import LayerLibrary
import TensorCore
import Yams

/// Reads a tree into checked values and collects everything that is wrong on the way.
struct NodeReader {
    let source: String
    private(set) var problems: [DefinitionProblem] = []
    /// How many lists of layers, or of numbers, the one that is being read lies in.
    var nesting = 0
    /// How weights start of layers that do not say so; nil for each layer's own way.
    var weightInitializer: InitializerRule?
    private var visited = 0
    static let nestingLimit = 16

    init(source: String) {
        self.source = source
    }

    mutating func report(_ message: String, at node: Node?, _ path: String) {
        guard problems.count < 100 else { return }
        problems.append(
            DefinitionProblem(
                source: source, line: node?.mark?.line, column: node?.mark?.column, path: path,
                message: message.printable()))
    }

    mutating func report(_ error: any Error, at node: Node?, _ path: String) {
        guard problems.count < 100 else { return }
        problems.append(
            DefinitionProblem(
                source: source, line: node?.mark?.line, column: node?.mark?.column, path: path, message: "\(error)"))
    }

    /// Aliases can make a small file stand for an enormous tree; the number of nodes read is limited.
    private mutating func visit(_ node: Node, _ path: String) -> Bool {
        visited += 1
        if visited == 20_000 { report("too many nodes for a definition", at: node, path) }
        return visited < 20_000
    }

    /// Counts one more level of nesting; whoever is let in takes it away again.
    mutating func enter(_ node: Node, _ path: String) -> Bool {
        guard nesting < Self.nestingLimit else {
            report("nested more than \(Self.nestingLimit) levels deep", at: node, path)
            return false
        }
        nesting += 1
        return true
    }

    // MARK: Structures

    /// The entries of a mapping with string keys; reports unknown keys with the nearest known one.
    mutating func mapping(_ node: Node, _ path: String, known: [String]?) -> [String: Node]? {
        guard visit(node, path) else { return nil }
        guard case .mapping(let mapping) = node else {
            report("expected fields (name: value), found \(Self.describe(node))", at: node, path)
            return nil
        }
        var result: [String: Node] = [:]
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                report("a field's name must be a word, found \(Self.describe(key))", at: key, path)
                continue
            }
            if let known, !known.contains(scalar.string) {
                let near = nearestName(to: scalar.string, among: known).map { "; did you mean \($0)?" } ?? ""
                let list = known.isEmpty ? "there are none here" : "known are \(known.sorted().joined(separator: ", "))"
                report("unknown field\(near.isEmpty ? "; \(list)" : near)", at: key, Self.join(path, scalar.string))
                continue
            }
            result[scalar.string] = value
        }
        return result
    }

    /// A mapping with exactly one entry: `{name: fields}`, or a bare name.
    mutating func choice(_ node: Node, _ path: String, _ what: String) -> (name: String, key: Node, fields: Node?)? {
        guard visit(node, path) else { return nil }
        switch node {
        case .scalar(let scalar) where !scalar.string.isEmpty:
            return (scalar.string, node, nil)
        case .mapping(let mapping) where mapping.count == 1:
            guard let entry = mapping.first, case .scalar(let scalar) = entry.key else { break }
            return (scalar.string, entry.key, entry.value)
        default: break
        }
        report("expected \(what), as a name or {name: {fields}}, found \(Self.describe(node))", at: node, path)
        return nil
    }

    mutating func sequence(_ node: Node, _ path: String) -> [Node]? {
        guard visit(node, path) else { return nil }
        guard case .sequence(let sequence) = node else {
            report("expected a list, found \(Self.describe(node))", at: node, path)
            return nil
        }
        return Array(sequence)
    }

    // MARK: Scalars

    mutating func string(_ node: Node, _ path: String) -> String? {
        guard visit(node, path) else { return nil }
        guard case .scalar(let scalar) = node else {
            report("expected text, found \(Self.describe(node))", at: node, path)
            return nil
        }
        return scalar.string
    }

    mutating func integer(_ node: Node, _ path: String, _ range: ClosedRange<Int>) -> Int? {
        guard visit(node, path) else { return nil }
        guard case .scalar(let scalar) = node, let value = Int(scalar.string) else {
            report("expected a whole number, found \(Self.describe(node))", at: node, path)
            return nil
        }
        guard range.contains(value) else {
            report("must lie in \(range.lowerBound)…\(range.upperBound), is \(value)", at: node, path)
            return nil
        }
        return value
    }

    mutating func number(
        _ node: Node, _ path: String, _ range: ClosedRange<Double>, openLower: Bool = false, openUpper: Bool = false
    ) -> Double? {
        guard visit(node, path) else { return nil }
        guard case .scalar(let scalar) = node, let value = Double(scalar.string), value.isFinite else {
            report("expected a number, found \(Self.describe(node))", at: node, path)
            return nil
        }
        // Values are kept as Float: an excluded bound must not come back by rounding.
        guard range.contains(value), !(openLower && Float(value) == Float(range.lowerBound)),
            !(openUpper && Float(value) == Float(range.upperBound))
        else {
            report(
                "must be \(openLower ? "above" : "at least") \(Self.short(range.lowerBound)) and "
                    + "\(openUpper ? "below" : "at most") \(Self.short(range.upperBound)), is \(scalar.string.prefix(40))",
                at: node, path)
            return nil
        }
        return value
    }

    /// One of a few names.
    mutating func name(_ node: Node, _ path: String, _ names: [String]) -> String? {
        guard visit(node, path) else { return nil }
        if case .scalar(let scalar) = node, names.contains(scalar.string) { return scalar.string }
        report("expected \(names.joined(separator: " or ")), found \(Self.describe(node))", at: node, path)
        return nil
    }

    mutating func boolean(_ node: Node, _ path: String) -> Bool? {
        guard visit(node, path) else { return nil }
        if case .scalar(let scalar) = node {
            if scalar.string == "true" { return true }
            if scalar.string == "false" { return false }
        }
        report("expected true or false, found \(Self.describe(node))", at: node, path)
        return nil
    }

    mutating func shape(_ node: Node, _ path: String) -> Shape? {
        guard let nodes = sequence(node, path) else { return nil }
        let extents = nodes.enumerated().compactMap { integer($1, "\(path)[\($0)]", 1...100_000) }
        guard extents.count == nodes.count else { return nil }
        guard extents.count == 1 || extents.count == 3 else {
            report("a shape is [D] or [C, H, W], this has \(extents.count) extents", at: node, path)
            return nil
        }
        guard extents.reduce(1.0, { $0 * Double($1) }) <= 1e8 else {
            report("\(extents) has more than 100 million elements", at: node, path)
            return nil
        }
        return Shape(extents)
    }

    /// A whole number for both axes, or `[height, width]`.
    mutating func extent(_ node: Node, _ path: String, _ range: ClosedRange<Int>) -> Window.Extent? {
        if case .sequence = node {
            guard let nodes = sequence(node, path) else { return nil }
            let values = nodes.enumerated().compactMap { integer($1, "\(path)[\($0)]", range) }
            guard values.count == nodes.count else { return nil }
            guard values.count == 2 else {
                report("expected a whole number or [height, width], found \(values.count) numbers", at: node, path)
                return nil
            }
            return Window.Extent(values[0], values[1])
        }
        return integer(node, path, range).map { Window.Extent($0) }
    }

    /// All numbers of nested lists, in order.
    mutating func numbers(_ node: Node, _ path: String) -> [Float]? {
        if case .scalar = node { return number(node, path, -1e30...1e30).map { [Float($0)] } }
        guard let nodes = sequence(node, path), enter(node, path) else { return nil }
        defer { nesting -= 1 }
        var result: [Float] = []
        for (index, item) in nodes.enumerated() {
            guard let values = numbers(item, "\(path)[\(index)]") else { return nil }
            result += values
        }
        return result
    }

    mutating func initializer(_ node: Node, _ path: String) -> InitializerRule? {
        guard let choice = choice(node, path, "an initialiser") else { return nil }
        let parametric = ["normal", "constant", "values"]
        guard let fields = choice.fields else {
            if let rule = InitializerRule(name: choice.name) { return rule }
            let known = InitializerRule.names + parametric
            let near = nearestName(to: choice.name, among: known).map { "did you mean \($0)?" }
            report(
                "unknown initialiser \(choice.name); \(near ?? "known are \(known.joined(separator: ", "))")", at: node,
                path)
            return nil
        }
        let inner = Self.join(path, choice.name)
        switch choice.name {
        case "normal": return number(fields, inner, 0...1000).map { .normal(deviation: Float($0)) }
        case "constant": return number(fields, inner, -1e6...1e6).map { .constant(Float($0)) }
        case "values": return numbers(fields, inner).map { .values($0) }
        default:
            report("expected one of {\(parametric.joined(separator: ", "))}", at: choice.key, inner)
            return nil
        }
    }

    // MARK: Words for messages

    static func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// A bound without the fraction it does not have.
    private static func short(_ bound: Double) -> String {
        bound == bound.rounded() && abs(bound) < 1e15 ? String(Int(bound)) : String(bound)
    }

    static func describe(_ node: Node) -> String {
        switch node {
        case .scalar(let scalar):
            scalar.string.isEmpty ? "nothing" : "“\(scalar.string.prefix(40))”"
        case .mapping(let mapping): "a mapping of \(mapping.count) fields"
        case .sequence(let sequence): "a list of \(sequence.count)"
        default: "an alias"
        }
    }
}

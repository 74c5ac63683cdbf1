import LayerLibrary
import TensorCore
import Yams

/// Reading layers and activations by their schemas.
extension NodeReader {
    static let reservedFields = ["activation"]

    /// A list of layers: `- name: {kind: {fields}, activation: relu}`, or `- kind: {fields}` for layers that need no name.
    mutating func layers(_ node: Node, _ path: String, _ registry: Registry) -> [NamedLayer] {
        guard let nodes = sequence(node, path), enter(node, path) else { return [] }
        defer { nesting -= 1 }
        guard nodes.count <= 1000 else {
            report("\(nodes.count) layers are too many", at: node, path)
            return []
        }
        var names = Set<String>()
        var result: [NamedLayer] = []
        for (index, item) in nodes.enumerated() {
            guard let layer = layer(item, path, index: index, registry) else { continue }
            if !names.insert(layer.name).inserted {
                report("two layers are called \(layer.name)", at: item, Self.join(path, layer.name))
            }
            result.append(layer)
        }
        return result
    }

    private mutating func layer(_ node: Node, _ path: String, index: Int, _ registry: Registry) -> NamedLayer? {
        guard let entry = choice(node, "\(path)[\(index)]", "a layer") else { return nil }
        let here = Self.join(path, entry.name)
        // `- reshape: [64, 7, 7]`, `- flatten`, `- dropout: 0.5`: the kind itself, which also names the layer.
        if let descriptor = registry.layer(entry.name), !Self.wraps(entry.fields, registry) {
            let name = descriptor.kind == "residual" ? "residual\(index)" : "\(descriptor.kind)\(index)"
            return make(descriptor, entry.fields, here, at: entry.key, name: name, activation: .identity, registry)
        }
        guard let body = entry.fields else {
            let near =
                nearestName(to: entry.name, among: registry.layers.map(\.kind)).map { "; did you mean \($0)?" } ?? ""
            report("unknown layer\(near)", at: node, here)
            return nil
        }
        guard Self.isName(entry.name) else {
            report("a layer's name has letters, digits and underscores", at: entry.key, here)
            return nil
        }
        guard let fields = mapping(body, here, known: nil) else { return nil }
        // `- name: {activation: relu}`: nothing but an activation is a layer of that kind.
        if fields.count == 1, let function = fields["activation"], let descriptor = registry.layer("activation") {
            return make(
                descriptor, function, Self.join(here, "activation"), at: body, name: entry.name, activation: .identity,
                registry)
        }
        let activation = fields["activation"].flatMap {
            self.activation($0, Self.join(here, "activation"), registry)
        }
        let kinds = fields.keys.filter { !Self.reservedFields.contains($0) }.sorted()
        guard let kind = kinds.first, kinds.count == 1 else {
            report(
                kinds.isEmpty
                    ? "does not say what kind of layer it is"
                    : "has \(kinds.count) kinds (\(kinds.joined(separator: ", "))); a layer has one, and perhaps an activation",
                at: body, here)
            return nil
        }
        guard let descriptor = registry.layer(kind) else {
            let near = nearestName(to: kind, among: registry.layers.map(\.kind) + Self.reservedFields)
            report(
                near.map { "unknown layer \(kind); did you mean \($0)?" }
                    ?? "unknown layer \(kind); known are \(registry.layers.map(\.kind).joined(separator: ", "))",
                at: body, Self.join(here, kind))
            return nil
        }
        return make(
            descriptor, fields[kind], Self.join(here, kind), at: body, name: entry.name,
            activation: activation ?? .identity,
            registry)
    }

    /// Whether an entry `name: body` is a named layer whose name happens to be a kind (`flatten: {flatten: {}}`).
    private static func wraps(_ body: Node?, _ registry: Registry) -> Bool {
        guard case .mapping(let mapping)? = body else { return false }
        return mapping.contains { entry in
            if case .scalar(let key) = entry.key { registry.layer(key.string) != nil } else { false }
        }
    }

    static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
            }
    }

    private mutating func make(
        _ descriptor: LayerDescriptor, _ body: Node?, _ path: String, at node: Node, name: String,
        activation: ActivationFunction, _ registry: Registry
    ) -> NamedLayer? {
        var schemas = descriptor.fields
        if let weightInitializer, let place = schemas.firstIndex(where: { $0.name == "weight_initializer" }) {
            schemas[place].defaultValue = .initializer(weightInitializer)
        }
        guard let values = fields(schemas, body, path, at: node, shorthand: descriptor.shorthand, registry)
        else {
            return nil
        }
        do {
            return NamedLayer(
                name: name, layer: try descriptor.make(values), activation: activation)
        } catch {
            report(error, at: node, path)
            return nil
        }
    }

    /// An activation: a name or `{name: {fields}}`.
    mutating func activation(_ node: Node, _ path: String, _ registry: Registry) -> ActivationFunction? {
        guard let choice = choice(node, path, "an activation") else { return nil }
        guard let descriptor = registry.activation(choice.name) else {
            let known = registry.activations.map(\.name)
            let near = nearestName(to: choice.name, among: known).map { "did you mean \($0)?" }
            report(
                "unknown activation \(choice.name); \(near ?? "known are \(known.joined(separator: ", "))")",
                at: choice.key,
                path)
            return nil
        }
        guard
            let values = fields(
                descriptor.fields, choice.fields, Self.join(path, choice.name), at: choice.key, shorthand: nil, registry
            )
        else { return nil }
        do {
            return try descriptor.make(values)
        } catch {
            report(error, at: node, path)
            return nil
        }
    }

    /// The fields of a layer or activation, defaults filled in; nil if anything is wrong.
    mutating func fields(
        _ schemas: [FieldSchema], _ body: Node?, _ path: String, at node: Node, shorthand: String?, _ registry: Registry
    ) -> FieldValues? {
        var given: [String: Node] = [:]
        switch body {
        case nil: break
        case .scalar(let scalar)? where scalar.string.isEmpty || scalar.string == "null": break
        case .mapping?:
            guard let body, let fields = mapping(body, path, known: schemas.map(\.name)) else { return nil }
            given = fields
        case .some(let body):
            guard let shorthand else {
                report("expected fields (name: value), found \(Self.describe(body))", at: body, path)
                return nil
            }
            given = [shorthand: body]
        }
        return values(schemas, given, path, at: body ?? node, registry)
    }

    /// The values of fields that are given or have defaults; nil if anything is wrong.
    mutating func values(
        _ schemas: [FieldSchema], _ given: [String: Node], _ path: String, at node: Node, _ registry: Registry
    ) -> FieldValues? {
        let before = problems.count
        var values: [String: FieldValue] = [:]
        for schema in schemas {
            guard let field = given[schema.name] else {
                if let value = schema.defaultValue {
                    values[schema.name] = value
                } else if schema.isRequired {
                    report("the field \(schema.name) is missing: \(schema.summary)", at: node, path)
                }
                continue
            }
            values[schema.name] = value(schema.kind, field, Self.join(path, schema.name), registry)
        }
        // Beyond its limit the reader drops problems, so the values are looked at as well.
        let needed = schemas.filter { $0.isRequired || $0.defaultValue != nil }
        guard needed.allSatisfy({ values[$0.name] != nil }) else { return nil }
        return problems.count == before ? FieldValues(values) : nil
    }

    private mutating func value(
        _ kind: FieldSchema.Kind, _ node: Node, _ path: String, _ registry: Registry
    ) -> FieldValue? {
        switch kind {
        case .integer(let range): return integer(node, path, range).map { .integer($0) }
        case .number(let range, let openLower, let openUpper):
            return number(node, path, range, openLower: openLower, openUpper: openUpper).map { .number($0) }
        case .boolean: return boolean(node, path).map { .boolean($0) }
        case .name(let names): return name(node, path, names).map { .name($0) }
        case .extent(let range): return extent(node, path, range).map { .extent($0) }
        case .shape: return shape(node, path).map { .shape($0) }
        case .initializer: return initializer(node, path).map { .initializer($0) }
        case .activation: return activation(node, path, registry).map { .activation($0) }
        case .layers: return .layers(layers(node, path, registry))
        }
    }
}

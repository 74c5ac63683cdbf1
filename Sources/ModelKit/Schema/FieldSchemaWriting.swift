import LayerLibrary
import TensorCore

/// Fields as JSON Schema.
extension SchemaWriter {
    static func reference(_ name: String) -> SchemaValue { .object(["$ref": .string("#/$defs/" + name)]) }

    static func described(_ schema: [String: SchemaValue], _ summary: String) -> SchemaValue {
        .object(schema.merging(["description": .string(summary)]) { $1 })
    }

    static func slug(_ summary: String) -> SchemaValue {
        described(["type": "string", "pattern": .string(slugPattern)], summary)
    }

    /// An object with these properties and no others.
    static func closed(_ properties: [String: SchemaValue], required: [String]) -> [String: SchemaValue] {
        var schema: [String: SchemaValue] = [
            "type": "object", "properties": .object(properties), "additionalProperties": false,
        ]
        if !required.isEmpty { schema["required"] = .strings(required.sorted()) }
        return schema
    }

    static var shape: [String: SchemaValue] {
        func extents(_ count: Int) -> SchemaValue {
            .object(["minItems": .integer(count), "maxItems": .integer(count)])
        }
        return [
            "type": "array", "items": integer(1...100_000), "oneOf": .list([extents(1), extents(3)]),
        ]
    }

    private static func integer(_ range: ClosedRange<Int>) -> SchemaValue {
        .object(["type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)])
    }

    /// The fields as an object; also the bare value of the field `shorthand`, and nothing where no field is required.
    func fields(_ schemas: [FieldSchema], shorthand: String? = nil, summary: String) -> SchemaValue {
        let object = Self.closed(properties(schemas), required: schemas.filter(\.isRequired).map(\.name))
        var forms: [SchemaValue] = []
        if let field = schemas.first(where: { $0.name == shorthand }) { forms.append(.object(property(field))) }
        if schemas.allSatisfy({ !$0.isRequired }) { forms.append(.object(["type": "null"])) }
        if forms.isEmpty { return Self.described(object, summary) }
        return Self.described(["anyOf": .list([.object(object)] + forms)], summary)
    }

    /// One of several things by name: a bare name where nothing is required, or `{name: {fields}}`.
    func variants(_ table: [String: [FieldSchema]]) -> SchemaValue {
        var one = Self.closed(table.mapValues { fields($0) }, required: [])
        one["minProperties"] = .integer(1)
        one["maxProperties"] = .integer(1)
        let bare = table.filter { $0.value.allSatisfy { !$0.isRequired } }.keys.sorted()
        guard !bare.isEmpty else { return .object(one) }
        return .object(["anyOf": .list([.object(["enum": .strings(bare)]), .object(one)])])
    }

    private func fields(_ schemas: [FieldSchema]) -> SchemaValue {
        let object = SchemaValue.object(
            Self.closed(properties(schemas), required: schemas.filter(\.isRequired).map(\.name)))
        guard schemas.allSatisfy({ !$0.isRequired }) else { return object }
        return .object(["anyOf": .list([object, .object(["type": "null"])])])
    }

    func properties(_ schemas: [FieldSchema]) -> [String: SchemaValue] {
        Dictionary(schemas.map { ($0.name, Self.described(property($0), $0.summary)) }) { $1 }
    }

    private func property(_ schema: FieldSchema) -> [String: SchemaValue] {
        var property = type(schema.kind)
        if let value = schema.defaultValue.flatMap(Self.json) { property["default"] = value }
        return property
    }

    private func type(_ kind: FieldSchema.Kind) -> [String: SchemaValue] {
        switch kind {
        case .integer(let range):
            return ["type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)]
        case .number(let range, let openLower, let openUpper):
            return [
                "type": "number", openLower ? "exclusiveMinimum" : "minimum": .number(range.lowerBound),
                openUpper ? "exclusiveMaximum" : "maximum": .number(range.upperBound),
            ]
        case .boolean: return ["type": "boolean"]
        case .name(let names): return ["enum": .strings(names)]
        case .extent(let range):
            let pair: [String: SchemaValue] = [
                "type": "array", "items": Self.integer(range), "minItems": .integer(2), "maxItems": .integer(2),
            ]
            return ["anyOf": .list([Self.integer(range), .object(pair)])]
        case .shape: return Self.shape
        case .initializer: return ["$ref": "#/$defs/initializer"]
        case .activation: return ["$ref": "#/$defs/activation"]
        case .layers: return ["$ref": "#/$defs/layers"]
        }
    }

    /// A default as the definition would write it; nil for what has no short form.
    private static func json(_ value: FieldValue) -> SchemaValue? {
        switch value {
        case .integer(let value): .integer(value)
        case .number(let value): .number(value)
        case .boolean(let value): .boolean(value)
        case .name(let value): .string(value)
        case .extent(let value):
            value.height == value.width
                ? .integer(value.height) : .list([.integer(value.height), .integer(value.width)])
        case .initializer(let rule):
            InitializerRule.names.first { InitializerRule(name: $0) == rule }.map { .string($0) }
        default: nil
        }
    }
}

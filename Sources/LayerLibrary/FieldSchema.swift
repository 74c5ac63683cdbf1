import TensorCore

/// One field of a layer, activation, objective … in a definition file: what it is called, what it may hold.
///
/// The same table drives reading, error messages, the JSON Schema and the documentation.
public struct FieldSchema: Sendable {
    public enum Kind: Sendable {
        case integer(ClosedRange<Int>)
        /// A number between the bounds; open says which bounds are excluded.
        case number(ClosedRange<Double>, openLower: Bool = false, openUpper: Bool = false)
        case boolean
        /// One of these names.
        case name([String])
        /// A whole number for both axes, or `[height, width]`.
        case extent(ClosedRange<Int>)
        /// `[D]` or `[C, H, W]`.
        case shape
        /// A name, or `{normal: deviation}`, `{constant: value}`, `{values: [...]}`.
        case initializer
        /// An activation's name, or `{name: {fields}}`.
        case activation
        /// A list of layers.
        case layers
    }

    public var name: String
    public var kind: Kind
    /// What stands for a field that is not given.
    public var defaultValue: FieldValue?
    /// Whether the field must be given.
    public var isRequired: Bool
    /// One sentence.
    public var summary: String

    /// A field that must be given unless it has a default.
    public init(_ name: String, _ kind: Kind, default defaultValue: FieldValue? = nil, _ summary: String) {
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        self.summary = summary
        isRequired = defaultValue == nil
    }

    /// A field that may be left out and then has no value.
    public static func optional(_ name: String, _ kind: Kind, _ summary: String) -> FieldSchema {
        var schema = FieldSchema(name, kind, summary)
        schema.isRequired = false
        return schema
    }
}

/// A checked value of a field.
public enum FieldValue: Sendable {
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case name(String)
    case extent(Window.Extent)
    case shape(Shape)
    case initializer(InitializerRule)
    case activation(ActivationFunction)
    case layers([NamedLayer])
}

/// The checked fields of one layer, defaults filled in. Asking for a field that the schema does not have is a
/// programming error.
public struct FieldValues: Sendable {
    private let values: [String: FieldValue]

    public init(_ values: [String: FieldValue]) {
        self.values = values
    }

    private func value<Result>(_ name: String, _ kind: String, _ extract: (FieldValue) -> Result?) -> Result {
        guard let value = values[name], let result = extract(value) else {
            preconditionFailure("the schema has no field \(name) of kind \(kind)")
        }
        return result
    }

    public func integer(_ name: String) -> Int {
        value(name, "integer") { if case .integer(let value) = $0 { value } else { nil } }
    }

    public func number(_ name: String) -> Float {
        value(name, "number") { if case .number(let value) = $0 { Float(value) } else { nil } }
    }

    public func boolean(_ name: String) -> Bool {
        value(name, "boolean") { if case .boolean(let value) = $0 { value } else { nil } }
    }

    public func name(_ name: String) -> String {
        value(name, "name") { if case .name(let value) = $0 { value } else { nil } }
    }

    public func extent(_ name: String) -> Window.Extent {
        value(name, "extent") { if case .extent(let value) = $0 { value } else { nil } }
    }

    public func shape(_ name: String) -> Shape {
        value(name, "shape") { if case .shape(let value) = $0 { value } else { nil } }
    }

    public func initializer(_ name: String) -> InitializerRule {
        value(name, "initializer") { if case .initializer(let value) = $0 { value } else { nil } }
    }

    public func activation(_ name: String) -> ActivationFunction {
        value(name, "activation") { if case .activation(let value) = $0 { value } else { nil } }
    }

    public func layers(_ name: String) -> [NamedLayer] {
        value(name, "layers") { if case .layers(let value) = $0 { value } else { nil } }
    }

    /// Whether the field has a value, given or by default.
    public func has(_ name: String) -> Bool { values[name] != nil }
}

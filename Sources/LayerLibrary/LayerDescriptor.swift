import TensorCore

/// A kind of layer as definitions know it.
public struct LayerDescriptor: Sendable {
    /// The name in a definition, for instance `conv2d`.
    public var kind: String
    /// One sentence.
    public var summary: String
    /// The shape rule, for instance `[C, H, W] → [filters, H', W'], H' = …`.
    public var shapeRule: String
    public var fields: [FieldSchema]
    /// The field that a bare value fills: `dropout: 0.5` for `dropout: {rate: 0.5}`.
    public var shorthand: String?
    public var make: @Sendable (FieldValues) throws -> any Layer

    public init(
        kind: String, summary: String, shapeRule: String, fields: [FieldSchema] = [], shorthand: String? = nil,
        make: @escaping @Sendable (FieldValues) throws -> any Layer
    ) {
        self.kind = kind
        self.summary = summary
        self.shapeRule = shapeRule
        self.fields = fields
        self.shorthand = shorthand
        self.make = make
    }
}

/// A kind of activation as definitions know it.
public struct ActivationDescriptor: Sendable {
    public var name: String
    public var summary: String
    public var fields: [FieldSchema]
    public var make: @Sendable (FieldValues) throws -> ActivationFunction

    public init(
        name: String, summary: String, fields: [FieldSchema] = [],
        make: @escaping @Sendable (FieldValues) throws -> ActivationFunction
    ) {
        self.name = name
        self.summary = summary
        self.fields = fields
        self.make = make
    }
}

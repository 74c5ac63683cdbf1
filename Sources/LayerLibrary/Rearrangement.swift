import TensorCore

/// `[C, H, W]` → `[C·H·W]`, in C H W order.
public struct Flatten: Layer {
    public init() {}

    public var kind: String { "flatten" }
    public var fields: [String: FieldValue] { [:] }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        try builder.reshape(x, to: [builder.shape(x).count])
    }
}

/// The same elements, in C H W order, under another shape.
public struct Reshape: Layer {
    /// `[D]` or `[C, H, W]`.
    public var shape: Shape

    public init(shape: Shape) {
        self.shape = shape
    }

    public var kind: String { "reshape" }
    public var fields: [String: FieldValue] { ["shape": .shape(shape)] }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        try builder.reshape(x, to: shape)
    }
}

/// Nearest-neighbour enlargement. `[C, H, W]` → `[C, H·factor, W·factor]`.
public struct Upsample: Layer {
    public var factor: Window.Extent

    public init(factor: Window.Extent) {
        self.factor = factor
    }

    public var kind: String { "upsample" }
    public var fields: [String: FieldValue] { ["factor": .extent(factor)] }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        _ = try builder.maps(x, for: "upsample")
        return try builder.upsampleNearest(x, factor: factor)
    }
}

/// The activation alone, as a layer of its own. Keeps the shape.
public struct ActivationLayer: Layer {
    public var function: ActivationFunction

    public init(function: ActivationFunction) {
        self.function = function
    }

    public var kind: String { "activation" }
    public var fields: [String: FieldValue] { ["function": .activation(function)] }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        try function.lower(x, into: &builder)
    }
}

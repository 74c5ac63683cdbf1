import TensorCore

/// The maximum of each window. `[C, H, W]` → `[C, H', W']` with H' = ⌊(H + 2·padding − kernel) / stride⌋ + 1.
public struct MaxPool2D: Layer {
    public var window: Window

    public init(window: Window) {
        self.window = window
    }

    public var kind: String { "max_pool" }
    public var fields: [String: FieldValue] { window.fields }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        _ = try builder.maps(x, for: "max_pool")
        return try builder.maxPool(x, window: window)
    }
}

/// The mean of each window, padding counted as zeros (PyTorch's default). Shapes as for `MaxPool2D`.
public struct AveragePool2D: Layer {
    public var window: Window

    public init(window: Window) {
        self.window = window
    }

    public var kind: String { "average_pool" }
    public var fields: [String: FieldValue] { window.fields }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        _ = try builder.maps(x, for: "average_pool")
        return try builder.averagePool(x, window: window)
    }
}

import TensorCore

/// Dropout (Srivastava et al. 2014): in training zeroes elements with probability `rate` and scales the rest by
/// 1/(1 − rate); the identity in evaluation. Keeps the shape.
public struct Dropout: Layer {
    public var rate: Float

    public init(rate: Float) {
        self.rate = rate
    }

    public var kind: String { "dropout" }
    public var fields: [String: FieldValue] { ["rate": .number(rate.decimal)] }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        builder.dropout(x, rate: rate)
    }
}

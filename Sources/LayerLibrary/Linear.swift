import TensorCore

/// y = x·Wᵀ + b. `[I]` → `[units]`; maps `[C, H, W]` are flattened first, in C H W order.
///
/// Parameters: `weight` `[units, I]`, `bias` `[units]`.
public struct Linear: Layer {
    public var units: Int
    public var settings: WeightSettings

    public init(units: Int, settings: WeightSettings = WeightSettings()) {
        self.units = units
        self.settings = settings
    }

    public var kind: String { "linear" }
    public var fields: [String: FieldValue] { settings.fields.merging(["units": .integer(units)]) { $1 } }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        let features = builder.shape(x).count
        let vector = try builder.reshape(x, to: [features])
        let (weight, bias) = try settings.parameters(
            weight: [units, features], outputs: units, fanIn: features, fanOut: units, in: &builder)
        return try builder.linear(vector, weight: weight, bias: bias)
    }
}

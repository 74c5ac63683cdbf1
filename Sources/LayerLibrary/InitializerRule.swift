import TensorCore

/// An initialiser as a definition names it, before the layer's fan-in and fan-out are known.
public enum InitializerRule: Hashable, Sendable {
    /// PyTorch's default for linear and convolution layers, weights and biases: uniform in ±1/√fanIn.
    case kaimingUniform
    case xavierUniform
    case xavierNormal
    case heUniform
    case heNormal
    case normal(deviation: Float)
    case constant(Float)
    /// The values themselves, row-major.
    case values([Float])

    public static let names = [
        "kaiming_uniform", "xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "zeros", "ones",
    ]

    /// The rule that needs no more than a name.
    public init?(name: String) {
        switch name {
        case "kaiming_uniform": self = .kaimingUniform
        case "xavier_uniform": self = .xavierUniform
        case "xavier_normal": self = .xavierNormal
        case "he_uniform": self = .heUniform
        case "he_normal": self = .heNormal
        case "zeros": self = .constant(0)
        case "ones": self = .constant(1)
        default: return nil
        }
    }

    func resolved(fanIn: Int, fanOut: Int) -> Initializer {
        switch self {
        case .kaimingUniform: .kaimingUniform(fanIn: fanIn)
        case .xavierUniform: .xavierUniform(fanIn: fanIn, fanOut: fanOut)
        case .xavierNormal: .xavierNormal(fanIn: fanIn, fanOut: fanOut)
        case .heUniform: .heUniform(fanIn: fanIn)
        case .heNormal: .heNormal(fanIn: fanIn)
        case .normal(let deviation): .normal(deviation: deviation)
        case .constant(let value): .constant(value)
        case .values(let values): .values(values)
        }
    }
}

/// What the layers with weights and biases share.
public struct WeightSettings: Hashable, Sendable {
    public var hasBias: Bool
    public var weight: InitializerRule
    public var bias: InitializerRule

    public init(
        hasBias: Bool = true, weight: InitializerRule = .kaimingUniform, bias: InitializerRule = .kaimingUniform
    ) {
        self.hasBias = hasBias
        self.weight = weight
        self.bias = bias
    }

    /// Asks the builder for `weight` and, if there is one, `bias`.
    func parameters(
        weight shape: Shape, outputs: Int, fanIn: Int, fanOut: Int, in builder: inout GraphBuilder
    ) throws -> (weight: TensorID, bias: TensorID?) {
        let weightID = try builder.parameter(
            "weight", shape: shape, initializer: weight.resolved(fanIn: fanIn, fanOut: fanOut))
        guard hasBias else { return (weightID, nil) }
        let biasID = try builder.parameter(
            "bias", shape: [outputs], initializer: bias.resolved(fanIn: fanIn, fanOut: fanOut))
        return (weightID, biasID)
    }
}

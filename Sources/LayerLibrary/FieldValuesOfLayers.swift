import TensorCore

// What the fields of several layers have in common.

extension Window {
    /// Kernel, stride and padding.
    var fields: [String: FieldValue] {
        ["kernel": .extent(kernel), "stride": .extent(stride), "padding": .extent(padding)]
    }
}

extension WeightSettings {
    /// Whether there is a bias, and the initialisers.
    public var fields: [String: FieldValue] {
        [
            "bias": .boolean(hasBias), "weight_initializer": .initializer(weight),
            "bias_initializer": .initializer(bias),
        ]
    }
}

extension ActivationFunction {
    /// The settings under the names that definitions have for them.
    public var fields: [String: FieldValue] {
        guard case .builtIn(let activation) = self else { return [:] }
        return switch activation {
        case .leakyReLU(let slope): ["slope": .number(slope.decimal)]
        case .elu(let alpha): ["alpha": .number(alpha.decimal)]
        case .identity, .relu, .gelu, .silu, .tanh, .sigmoid, .softplus: [:]
        }
    }

    /// As in definitions, `identity` included.
    public var definitionName: String {
        switch self {
        case .builtIn(let activation): activation.definitionName
        case .custom(let operation): operation.name
        }
    }
}

extension Float {
    /// The number that a text of few digits meant: 0.1, and not what the float nearest to it is as a double.
    public var decimal: Double { Double("\(self)") ?? Double(self) }
}

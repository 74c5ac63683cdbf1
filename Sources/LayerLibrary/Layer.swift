import TensorCore

/// One layer's configuration: a value without weights.
///
/// A layer asks the builder for its parameters (which names, initialises and counts them) and appends its operations. The
/// builder's path is the layer's path, so `parameter("weight", …)` in the layer `encoder.conv1` makes
/// `encoder.conv1.weight`.
public protocol Layer: Sendable {
    /// What definitions call the layer, for instance `conv2d`.
    var kind: String { get }

    /// The layer's settings under the names that definitions have for them. Fields that are left out have their defaults.
    var fields: [String: FieldValue] { get }

    /// Appends the layer to the program.
    ///
    /// - Returns: the output.
    /// - Throws: `ZooError` where the shape of `x` does not suit the layer.
    func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID
}

/// An activation: one of the engine's own, or a plug-in's operation.
public enum ActivationFunction: Sendable {
    case builtIn(Activation)
    case custom(any CustomOperation)

    public static var identity: ActivationFunction { .builtIn(.identity) }

    /// As in definitions, for instance `relu`; nil for none.
    public var name: String? {
        switch self {
        case .builtIn(.identity): nil
        case .builtIn(let activation): activation.definitionName
        case .custom(let operation): operation.name
        }
    }

    /// Appends the activation to the program.
    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        switch self {
        case .builtIn(let activation): builder.activation(activation, x)
        case .custom(let operation): try builder.custom(operation, [x])
        }
    }
}

/// A layer with its name and the activation that follows it.
public struct NamedLayer: Sendable {
    /// The last component of the path of its parameters.
    public var name: String
    /// The kind as written in the definition, for instance `conv2d`.
    public var kind: String { layer.kind }
    public var layer: any Layer
    public var activation: ActivationFunction

    public init(name: String, layer: any Layer, activation: ActivationFunction = .identity) {
        self.name = name
        self.layer = layer
        self.activation = activation
    }

    /// A layer, for lists: `[.layer("fc1", Linear(units: 400), activation: .relu)]`.
    ///
    /// - Parameters:
    ///   - name: letters, digits and underscores; the last component of the path of its parameters.
    ///   - activation: what follows the layer.
    public static func layer(
        _ name: String, _ layer: any Layer, activation: Activation = .identity
    ) -> NamedLayer {
        NamedLayer(name: name, layer: layer, activation: .builtIn(activation))
    }

    /// Appends the layer and its activation under its name.
    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        try builder.scoped(name) { builder in
            do {
                let y = try activation.lower(layer.lower(x, into: &builder), into: &builder)
                try builder.checkSize(of: y)
                return y
            } catch let error as ZooError {
                throw error.about(.layer(builder.path))
            }
        }
    }
}

extension Sequence where Element == NamedLayer {
    /// Appends the layers one after another.
    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        try reduce(x) { try $1.lower($0, into: &builder) }
    }
}

extension Activation {
    /// As definitions call it.
    var definitionName: String {
        switch self {
        case .identity: "identity"
        case .relu: "relu"
        case .leakyReLU: "leaky_relu"
        case .elu: "elu"
        case .gelu: "gelu"
        case .silu: "silu"
        case .tanh: "tanh"
        case .sigmoid: "sigmoid"
        case .softplus: "softplus"
        }
    }
}

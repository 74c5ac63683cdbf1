import TensorCore

/// PyTorch's `BatchNorm1d` and `BatchNorm2d` (Ioffe and Szegedy 2015): batch statistics in training, running statistics in
/// evaluation. Keeps the shape.
///
/// Parameters: `weight` `[C]`, `bias` `[C]`; buffers `running_mean` `[C]`, `running_var` `[C]` (unbiased), which move by
/// `momentum` towards each batch's statistics.
public struct BatchNorm: Layer {
    public var epsilon: Float
    public var momentum: Float

    public init(epsilon: Float = 1e-5, momentum: Float = 0.1) {
        self.epsilon = epsilon
        self.momentum = momentum
    }

    public var kind: String { "batch_norm" }
    public var fields: [String: FieldValue] {
        ["epsilon": .number(epsilon.decimal), "momentum": .number(momentum.decimal)]
    }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        let (scale, shift) = try builder.scaleAndShift(x)
        let channels: Shape = [builder.shape(x).channels]
        return builder.batchNorm(
            x, scale: scale, shift: shift, runningMean: try builder.buffer("running_mean", shape: channels, value: 0),
            runningVariance: try builder.buffer("running_var", shape: channels, value: 1), epsilon: epsilon,
            momentum: momentum)
    }
}

/// PyTorch's `GroupNorm` (Wu and He 2018): statistics per image and group of channels. Keeps the shape.
///
/// Parameters: `weight` `[C]`, `bias` `[C]`.
public struct GroupNorm: Layer {
    public var groups: Int
    public var epsilon: Float

    public init(groups: Int, epsilon: Float = 1e-5) {
        self.groups = groups
        self.epsilon = epsilon
    }

    public var kind: String { "group_norm" }
    public var fields: [String: FieldValue] { ["groups": .integer(groups), "epsilon": .number(epsilon.decimal)] }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        let (scale, shift) = try builder.scaleAndShift(x)
        return try builder.groupNorm(x, scale: scale, shift: shift, groups: groups, epsilon: epsilon)
    }
}

/// Layer normalisation (Ba, Kiros and Hinton 2016): statistics per image over everything. Keeps the shape.
///
/// On a vector this is PyTorch's `LayerNorm(D)`; on maps `[C, H, W]` it is `GroupNorm(1, C)`, with one scale and shift per
/// channel. Parameters: `weight` `[C]`, `bias` `[C]`.
public struct LayerNorm: Layer {
    public var epsilon: Float

    public init(epsilon: Float = 1e-5) {
        self.epsilon = epsilon
    }

    public var kind: String { "layer_norm" }
    public var fields: [String: FieldValue] { ["epsilon": .number(epsilon.decimal)] }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        try GroupNorm(groups: 1, epsilon: epsilon).lower(x, into: &builder)
    }
}

extension GraphBuilder {
    fileprivate mutating func scaleAndShift(_ x: TensorID) throws -> (TensorID, TensorID) {
        let channels: Shape = [shape(x).channels]
        return (
            try parameter("weight", shape: channels, initializer: .constant(1)),
            try parameter("bias", shape: channels, initializer: .constant(0))
        )
    }
}

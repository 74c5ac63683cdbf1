/// Names one tensor of a program.
public struct TensorID: Hashable, Sendable {
    public let index: Int

    package init(_ index: Int) {
        self.index = index
    }
}

/// What a program knows about a tensor before any memory exists.
public struct TensorInfo: Sendable {
    public enum Role: Sendable {
        /// Filled from outside before each run: images, noise, a latent vector.
        case input
        /// Learned; kept between runs.
        case parameter
        /// Kept between runs and changed by the forward pass: running statistics.
        case buffer
        /// Lives only within a run.
        case activation
        /// The gradient of the loss with respect to an activation; lives only within a run.
        case gradient
        /// The gradient of the loss with respect to a parameter; readable after a run.
        case parameterGradient
        /// Readable after a run: losses, reconstructions, latent means.
        case result
    }

    /// The path of a parameter (`encoder.conv1.weight`), or a name for traces.
    public var name: String
    /// The shape of one image's worth if batched, else of the whole tensor.
    public var shape: Shape
    /// Whether the tensor has a leading batch axis N.
    public var isBatched: Bool
    public var role: Role
}

/// The direction of a step.
public enum Pass: Sendable, Equatable {
    case forward
    case backwardData
    case backwardWeights
}

/// One operation in one direction on named tensors.
public struct ProgramStep: Sendable {
    public var operation: Operation
    public var pass: Pass
    public var inputs: [TensorID]
    public var outputs: [TensorID]
    /// The layer's path, for instance `encoder.conv1`.
    public var path: String
    /// Of a backward step, what it is the gradient of; nil for forward steps and sums of gradients.
    public var gradient: Gradient?

    /// What a backward step belongs to.
    public struct Gradient: Sendable, Equatable {
        /// The number of the forward step in the program.
        public var step: Int
        /// Which of that step's inputs the outputs are the gradients of, in order.
        public var inputs: [Int]
    }
}

/// A list of steps over tensors, in the order in which they run: a forward pass, or a whole training step.
///
/// A program holds no memory and knows no batch size; an engine compiles it into something that does.
public struct Program: Sendable {
    public internal(set) var tensors: [TensorInfo] = []
    public internal(set) var steps: [ProgramStep] = []
    /// The parameter tensors in the order of their definition.
    public internal(set) var parameters: [TensorID] = []
    /// The buffer tensors in the order of their definition.
    public internal(set) var buffers: [TensorID] = []
    /// The gradient of each parameter, filled by `GraphBuilder.differentiate()`; same order as `parameters`.
    public internal(set) var parameterGradients: [TensorID] = []
    /// How the parameters change at the end of a run; nil for a program that does not learn.
    public var update: UpdateRule?

    public subscript(id: TensorID) -> TensorInfo {
        tensors[id.index]
    }

    /// The tensor of this name, for tests and traces.
    public func tensor(named name: String) -> TensorID? {
        tensors.firstIndex { $0.name == name }.map { TensorID($0) }
    }

    /// Multiply-adds of one image in the forward pass: linear layers and convolutions, biases and everything
    /// else left out, as published counts do.
    public var multiplyAddsPerImage: Int {
        steps.reduce(0) { $1.pass == .forward ? $0 + multiplyAdds(of: $1) : $0 }
    }

    /// Multiply-adds of one image in a step of any direction; 0 where it is no linear layer or convolution.
    public func multiplyAdds(of step: ProgramStep) -> Int {
        guard let operands = step.matrixOperands else { return 0 }
        let weights = self[operands.weights].shape.count
        return operands.window == nil ? weights : weights * self[operands.narrow].shape.area
    }
}

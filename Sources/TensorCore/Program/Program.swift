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
    /// How many of that shape there are.
    public var rows: Rows
    public var role: Role

    /// Whether the tensor has a leading batch axis N.
    public var isBatched: Bool { rows != .one }

    /// Elements for so many images.
    public func elementCount(images: Int) -> Int { shape.count * rows.count(images: images) }
}

/// The leading axis of a tensor.
public enum Rows: Hashable, Sendable {
    /// None: a parameter, or a number of the whole batch.
    case one
    /// So many for each image of the batch, those of an image one after another; 1 for most tensors, K for the samples of an
    /// importance-weighted bound.
    case perImage(Int)
    /// As many whatever the batch: the pseudo-inputs of a prior.
    case fixed(Int)

    /// One for each image.
    public static var images: Rows { .perImage(1) }

    /// How many there are for so many images.
    @inlinable public func count(images: Int) -> Int {
        switch self {
        case .one: 1
        case .perImage(let count): count * images
        case .fixed(let count): count
        }
    }

    /// Why what is drawn or known once for each image cannot be used on these rows.
    package var mismatchWithImages: String {
        switch self {
        case .fixed: "works on images, and the objective (vamp_prior) encodes pseudo-inputs, which are none"
        case .one, .perImage:
            "works on one value of each image, and here are several: one for each code of the objective "
                + "(importance_weighting) or for each class (classifier)"
        }
    }

    /// Whether there is one row for each of `other`, or several.
    public func isMultiple(of other: Rows) -> Bool {
        guard case .perImage(let count) = self, case .perImage(let fewer) = other else { return self == other }
        return count.isMultiple(of: fewer)
    }
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
        /// Which of that step's outputs have gradients: these come first among the inputs, in order.
        public var outputs: [Int] = [0]
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
    /// Inputs that are standard normal noise.
    public internal(set) var noises: [NoiseInput] = []
    /// The class of each image as 1 among zeros, `[K]`: nil in a program that does not ask for it.
    public internal(set) var imageClass: TensorID?
    /// Numbers that change with the training step.
    public internal(set) var schedules: [LinearSchedule] = []
    /// What records of the training call them; nil for those that they leave out.
    public internal(set) var scheduleNames: [String?] = []
    /// What is reported of each batch.
    public internal(set) var metrics: [Metric] = []
    /// Who learns from which loss; the first is the model itself.
    public var groups: [ParameterGroup] = [ParameterGroup(name: "model")]

    /// How the model's own parameters change at the end of a run; nil for a program that does not learn.
    public var update: UpdateRule? {
        get { groups[0].update }
        set { groups[0].update = newValue }
    }

    /// The group that a parameter belongs to.
    func group(of parameter: TensorID) -> ParameterGroup? { groups.first { $0.parameters.contains(parameter) } }

    /// Where the elements of a noise input begin in a random stream.
    func firstNoiseElement(of id: TensorID) -> UInt64 {
        UInt64(noises.first { $0.tensor == id }?.number ?? 0) << 48
    }

    /// All loss terms, those of the model first.
    public var terms: [LossTerm] { groups.flatMap(\.terms) }

    /// The numbers of a step.
    public func scheduledNumbers(step: Int) -> SIMD16<Float> {
        var numbers = SIMD16<Float>()
        for (slot, schedule) in schedules.enumerated() { numbers[slot] = schedule.value(step: step) }
        return numbers
    }

    /// The shape of one row of a tensor, and how many rows it has.
    public func type(of id: TensorID) -> TensorType { TensorType(self[id].shape, self[id].rows) }

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

import ModelKit
import Planning
import TensorCore

/// What a model does with one image in a training step, tensor by tensor, computed in 64-bit floating point by the
/// reference engine: the forward pass, the losses and the backward pass.
public struct ModelTrace {
    /// What goes in; all in the order C H W.
    public struct Input {
        public var image: [Double]
        /// What the reconstruction is compared with; nil for the image itself.
        public var target: [Double]?
        /// ε, one number per latent dimension; empty in a plain autoencoder, and to be drawn as in the first step of a training run.
        public var noise: [Double]
        /// The image's number in its data set, which dropout follows.
        public var imageIndex: Int32 = 0
        /// Of a conditional model: the image's class.
        public var imageClass = 0
        /// Of dropout, and of the first weights of an untrained model.
        public var seed: UInt64 = 0

        public init(
            image: [Double], target: [Double]? = nil, noise: [Double], imageIndex: Int32 = 0, imageClass: Int = 0,
            seed: UInt64 = 0
        ) {
            self.image = image
            self.target = target
            self.noise = noise
            self.imageIndex = imageIndex
            self.imageClass = imageClass
            self.seed = seed
        }
    }

    /// One tensor of one image, or a parameter.
    public struct Tensor {
        public var name: String
        public var shape: [Int]
        /// Row-major.
        public var values: [Double]

        public init(name: String, shape: [Int], values: [Double]) {
            self.name = name
            self.shape = shape
            self.values = values
        }
    }

    /// A tensor with the letter it has in a formula.
    public struct Term {
        public var symbol: String
        public var tensor: Tensor
    }

    /// One operation in one direction.
    public struct Step {
        /// The layer's path.
        public var path: String
        public var operation: String
        public var formulas: [String]
        public var inputs: [Term]
        /// What lies between inputs and outputs, where a reader by hand wants to see it.
        public var intermediates: [Term]
        public var outputs: [Term]
    }

    public let definition: ModelDefinition
    public let input: Input
    public let forward: [Step]
    public let backward: [Step]
    /// The gradient of the loss with respect to each parameter, under the parameter's path.
    public let parameterGradients: [Tensor]
    /// Nats.
    public let reconstruction: Double
    /// Nats; nil in a plain autoencoder.
    public let kl: Double?
    /// The other terms of the loss, each with its weight.
    public let regularizer: Double
    /// Whether the model normalises by batch statistics, which here are those of one image.
    public let usesBatchStatistics: Bool

    /// Nats.
    public var loss: Double { reconstruction + regularizer }

    /// Runs one image through the training graph; nothing is learned.
    ///
    /// - Parameters:
    ///   - weights: parameters and running statistics; nil for the first ones.
    ///   - input: with as many numbers as the model takes.
    /// - Throws: `ZooError` where the weights do not fit the model.
    public init(_ definition: ModelDefinition, weights: [NamedTensor]?, input: Input) throws {
        precondition(
            input.image.count == definition.input.count
                && (input.target?.count ?? input.image.count) == input.image.count
                && (input.noise.isEmpty || definition.isVariational && input.noise.count == definition.latentSize),
            "the numbers of a trace do not fit its model")
        var traced = definition
        // With a learning rate of zero this changes nothing, and it neither clips nor averages.
        traced.training.update = UpdateRule(method: .sgd(momentum: 0, nesterov: false, weightDecay: 0))
        if input.target != nil {
            traced.encoder.insert(FixedImage.layer(input.image, shape: definition.input), at: 0)
        }
        let engine = ReferenceEngine(keepsEverything: true)
        let model = try CompiledModel(traced, purpose: .training, batchSize: 1, engine: engine)
        guard let compiled = model.compiled as? ReferenceProgram else {
            throw ZooError("the reference engine gave a program of another engine", code: .unsupported)
        }
        model.initialize(seed: input.seed)
        if let weights { try model.load(weights) }
        let graph = model.graph
        if let images = graph.images { compiled.writeDouble(input.target ?? input.image, to: images) }
        withUnsafePointer(to: input.imageIndex) {
            compiled.setImageIndices(UnsafeBufferPointer(start: $0, count: 1))
        }
        if let classes = graph.program.imageClass {
            withUnsafePointer(to: Int32(clamping: input.imageClass)) {
                compiled.writeClasses(UnsafeBufferPointer(start: $0, count: 1), to: classes)
            }
        }
        let stream = RandomStream(seed: input.seed, purpose: .latentNoise)
        for noise in graph.program.noises {
            withUnsafePointer(to: input.imageIndex) {
                compiled.writeNoise(stream, imageIndices: UnsafeBufferPointer(start: $0, count: 1), to: noise.tensor)
            }
        }
        var given = input.noise[...]
        for noise in graph.noises where !given.isEmpty {
            let info = graph.program[noise]
            let draws = [[Double]](repeating: Array(given.prefix(info.shape.count)), count: info.rows.count(images: 1))
            compiled.writeDouble(draws.flatMap(\.self), to: noise)
            given = given.dropFirst(info.shape.count)
        }
        var input = input
        input.noise = graph.noises.flatMap { compiled.readDouble($0).prefix(graph.program[$0].shape.count) }
        let values = StepValues(imageCount: 1, seed: input.seed, learningRate: 0, scheduleStep: .max)
        compiled.run(values)
        let numbers = graph.program.scheduledNumbers(step: .max)

        self.definition = definition
        self.input = input
        reconstruction = graph.reconstructionLoss.flatMap { compiled.readDouble($0).first } ?? 0
        kl = graph.kl.flatMap { compiled.readDouble($0).first }
        regularizer = graph.program.groups[0].terms.reduce(0) { sum, term in
            guard term.value != graph.reconstructionLoss else { return sum }
            return sum + Double(numbers[term.weight.index]) * (compiled.readDouble(term.value).first ?? 0)
        }
        usesBatchStatistics = graph.program.steps.contains { if case .batchNorm = $0.operation { true } else { false } }
        let reader = TraceReader(
            compiled, values.scheduled(by: graph.program), isTargetApart: input.target != nil, images: graph.images)
        forward = reader.forwardSteps
        backward = reader.backwardSteps
        parameterGradients = reader.parameterGradients
    }
}

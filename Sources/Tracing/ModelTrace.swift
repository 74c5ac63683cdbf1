import ModelKit
import Planning
import TensorCore

/// What a model does with one image in a training step, tensor by tensor, computed in 64-bit floating point by the
/// reference engine: the forward pass, the losses and the backward pass.
struct ModelTrace {
    /// What goes in; all in the order C H W.
    struct Input {
        var image: [Double]
        /// What the reconstruction is compared with; nil for the image itself.
        var target: [Double]?
        /// ε, one number per latent dimension; empty in a plain autoencoder.
        var noise: [Double]
        /// The image's number in its data set, which dropout follows.
        var imageIndex: Int32 = 0
        /// Of dropout, and of the first weights of an untrained model.
        var seed: UInt64 = 0
    }

    /// One tensor of one image, or a parameter.
    struct Tensor {
        var name: String
        var shape: [Int]
        /// Row-major.
        var values: [Double]
    }

    /// A tensor with the letter it has in a formula.
    struct Term {
        var symbol: String
        var tensor: Tensor
    }

    /// One operation in one direction.
    struct Step {
        /// The layer's path.
        var path: String
        var operation: String
        var formulas: [String]
        var inputs: [Term]
        /// What lies between inputs and outputs, where a reader by hand wants to see it.
        var intermediates: [Term]
        var outputs: [Term]
    }

    let definition: ModelDefinition
    let input: Input
    let forward: [Step]
    let backward: [Step]
    /// The gradient of the loss with respect to each parameter, under the parameter's path.
    let parameterGradients: [Tensor]
    /// Nats.
    let reconstruction: Double
    /// Nats; nil in a plain autoencoder.
    let kl: Double?
    /// What the objective makes of the KL divergence.
    let regularizer: Double
    /// Whether the model normalises by batch statistics, which here are those of one image.
    let usesBatchStatistics: Bool

    /// Nats.
    var loss: Double { reconstruction + regularizer }

    /// Runs one image through the training graph; nothing is learned.
    ///
    /// - Parameters:
    ///   - weights: parameters and running statistics; nil for the first ones.
    ///   - input: with as many numbers as the model takes.
    /// - Throws: `ZooError` where the weights do not fit the model.
    init(_ definition: ModelDefinition, weights: [NamedTensor]?, input: Input) throws {
        precondition(
            input.image.count == definition.input.count
                && (input.target?.count ?? input.image.count) == input.image.count
                && input.noise.count == (definition.isVariational ? definition.latentSize : 0),
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
            throw ZooError("the reference engine gave a program of another engine")
        }
        model.initialize(seed: input.seed)
        if let weights { try model.load(weights) }
        let graph = model.graph
        if let images = graph.images { compiled.writeDouble(input.target ?? input.image, to: images) }
        if let noise = graph.noise { compiled.writeDouble(input.noise, to: noise) }
        withUnsafePointer(to: input.imageIndex) {
            compiled.setImageIndices(UnsafeBufferPointer(start: $0, count: 1))
        }
        let objective = definition.objective
        let values = StepValues(
            imageCount: 1, seed: input.seed, learningRate: 0, klWeight: objective.klWeight(step: .max),
            klCapacity: objective.klCapacity(step: .max))
        compiled.run(values)

        self.definition = definition
        self.input = input
        reconstruction = graph.reconstructionLoss.flatMap { compiled.readDouble($0).first } ?? 0
        kl = graph.kl.flatMap { compiled.readDouble($0).first }
        regularizer =
            graph.klPerDimension.map {
                objective.klRegularizer.loss(
                    klPerDimension: compiled.readDouble($0), weight: Double(values.klWeight),
                    capacity: Double(values.klCapacity))
            } ?? 0
        usesBatchStatistics = graph.program.steps.contains { if case .batchNorm = $0.operation { true } else { false } }
        let reader = TraceReader(compiled, values, isTargetApart: input.target != nil, images: graph.images)
        forward = reader.forwardSteps
        backward = reader.backwardSteps
        parameterGradients = reader.parameterGradients
    }
}

import LayerLibrary
import ObjectiveLibrary
import TensorCore

/// The program of a case, with the places of everything the tests read, and the values they write.
struct CaseProgram {
    let layerCase: LayerCase
    let program: Program
    let input: TensorID
    let target: TensorID
    private let noise: TensorID?
    /// What the layers give, before the link of the loss.
    let prediction: TensorID
    /// The reconstruction loss per image.
    let loss: TensorID
    /// KL divergence per image, and its batch means per dimension; nil without a latent variable.
    let kl: TensorID?
    let klPerDimension: TensorID?

    /// Images in a full batch of the tests.
    static let imageCount = 3
    /// The images of the data set that they are, for dropout.
    static let imageIndices: [Int32] = [7, 2, 11]

    /// - Parameter differentiated: whether the program has a backward pass.
    init(_ layerCase: LayerCase, differentiated: Bool = true, update: UpdateRule? = nil) throws {
        self.layerCase = layerCase
        var builder = GraphBuilder(isTraining: layerCase.isTraining)
        let input = builder.input("x", shape: layerCase.input)
        let offset = try builder.parameter("offset", shape: layerCase.input, initializer: .constant(0))
        var y = try builder.custom(AddOffset(), [input, offset])
        y = try layerCase.layers.lower(y, into: &builder)
        var noise: TensorID?
        var kl: TensorID?
        var klPerDimension: TensorID?
        var code = y
        var posterior: ModelTensors.Posterior?
        if let latent = layerCase.latent {
            let mean = try NamedLayer.linear(named: "mean", latent.size).lower(y, into: &builder)
            let logVariance = try NamedLayer.linear(named: "log_variance", latent.size).lower(y, into: &builder)
            let epsilon = builder.noise("noise", shape: [latent.size], isPosterior: true)
            let sample = try builder.gaussianLatent(mean: mean, logVariance: logVariance, noise: epsilon)
            builder.keep(sample.klPerDimension, as: "kl_per_dimension")
            builder.keep(sample.kl, as: "kl")
            posterior = ModelTensors.Posterior(
                mean: mean, logVariance: logVariance, kl: sample.kl, klPerDimension: sample.klPerDimension)
            code = sample.z
            (noise, kl, klPerDimension) = (epsilon, sample.kl, sample.klPerDimension)
            y = try latent.decoder.lower(sample.z, into: &builder)
        }
        builder.keep(y, as: "prediction")
        let target = builder.input("target", shape: builder.shape(y))
        let logSigma =
            layerCase.loss.learnsVariance
            ? try builder.parameter("log_sigma", shape: [], initializer: .constant(0)) : nil
        let loss = try builder.reconstructionLoss(
            prediction: y, target: target, logSigma: logSigma, loss: layerCase.loss)
        try builder.term("loss", loss, weight: .constant(1))
        if let regularizer = layerCase.latent?.regularizer {
            try regularizer.lower(
                ModelTensors(images: input, code: code, reconstruction: loss, posterior: posterior) { _, _ in
                    throw ZooError("no case encodes anything else")
                }, into: &builder)
        }
        if differentiated { try builder.differentiate() }
        builder.program.update = update
        program = builder.program
        prediction = y
        (self.input, self.target, self.loss, self.noise) = (input, target, loss, noise)
        (self.kl, self.klPerDimension) = (kl, klPerDimension)
    }

    /// What the forward pass is for: prediction and losses.
    var results: [TensorID] { [prediction, loss, kl, klPerDimension].compactMap { $0 } }

    /// The gradient with respect to the input: what flows back into `AddOffset`.
    var inputGradient: TensorID? {
        program.steps.first { step in
            guard step.pass == .backwardData, case .custom(let operation) = step.operation else { return false }
            return operation is AddOffset
        }?.inputs[0]
    }

    /// Values of the optimiser, the random numbers and the regulariser for step number `step`.
    func stepValues(imageCount: Int = Self.imageCount, step: Int = 0) -> StepValues {
        StepValues(
            imageCount: imageCount, step: UInt32(step) + 3, updateCount: step, seed: 5, learningRate: 0.0625)
    }

    /// The first value of an input, parameter or buffer of a full batch.
    func initialValues(_ id: TensorID) -> [Double] {
        let info = program[id]
        let count = info.shape.count * (info.isBatched ? Self.imageCount : 1)
        let (scale, offset): (Double, Double) =
            switch info.name {
            case "x": (2, 0)
            case "target": (0.5, 0.5)
            case "noise": (1.5, 0)
            case let name where name.hasSuffix("running_var"): (0.5, 1)
            default: (0.5, 0)
            }
        return HashFormula.values("\(layerCase.name).\(info.name)", count: count, scale: scale, offset: offset)
    }

    /// Inputs, parameters and buffers: everything a run starts from.
    var sources: [TensorID] { [input, target] + (noise.map { [$0] } ?? []) + program.parameters + program.buffers }

    /// Compiles for `engine` and writes all sources.
    func prepared(_ engine: any Engine, batchSize: Int = Self.imageCount) throws -> any CompiledProgram {
        let compiled = try engine.compile(program, batchSize: batchSize)
        for id in sources {
            var values = initialValues(id)
            if program[id].isBatched {
                // Rows beyond the images that count hold what an earlier batch may have left there.
                let rest = program[id].shape.count * (batchSize - Self.imageCount)
                values += HashFormula.values("rest.\(program[id].name)", count: rest, scale: 3)
            }
            compiled.write(values.map { Float($0) }, to: id)
        }
        let rest = (0..<(batchSize - Self.imageCount)).map { Int32($0) + 40 }
        (Self.imageIndices + rest).withUnsafeBufferPointer { compiled.setImageIndices($0) }
        return compiled
    }

    /// The loss: its terms with their weights, those of single images as means.
    func totalLoss(_ compiled: ReferenceProgram, _ values: StepValues) -> Double {
        let weights = program.scheduledNumbers(step: values.scheduleStep)
        return program.terms.reduce(0) { sum, term in
            let count = program[term.value].elementCount(images: values.imageCount)
            let mean = compiled.readDouble(term.value).prefix(count).reduce(0, +) / Double(count)
            return sum + Double(weights[term.weight.index]) * mean
        }
    }
}

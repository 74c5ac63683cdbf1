import ModelKit
import TensorCore

/// What a model costs: parameters, bytes, arithmetic.
struct ModelCost {
    /// One line of the table of layers.
    struct Row {
        var path: String
        var kind: String
        var outputShape: [Int]
        var parameterCount: Int
        /// Of one image, forward.
        var multiplyAdds: Int
    }

    let rows: [Row]
    let parameterCount: Int
    /// Of one image in the forward pass: linear layers and convolutions.
    let multiplyAdds: Int
    /// Of one image in a training step, forward and backward.
    let trainingMultiplyAdds: Int

    /// Bytes of the parameters, which are 32-bit.
    var byteCount: Int { 4 * parameterCount }

    /// - Throws: `ZooError` where shapes do not fit.
    init(_ definition: ModelDefinition) throws {
        let graph = try ModelGraph(definition, purpose: .training)
        let program = graph.program
        var rows = graph.rows.map {
            Row(
                path: $0.path, kind: $0.kind, outputShape: $0.outputShape.dimensions,
                parameterCount: $0.parameterCount, multiplyAdds: $0.multiplyAdds)
        }
        // What the objective learns belongs to no layer.
        for id in program.parameters where program[id].name.hasPrefix("objective.") {
            rows.append(
                Row(
                    path: program[id].name, kind: "parameter", outputShape: program[id].shape.dimensions,
                    parameterCount: program[id].shape.count, multiplyAdds: 0))
        }
        self.rows = rows
        parameterCount = graph.parameterCount
        multiplyAdds = program.multiplyAddsPerImage
        trainingMultiplyAdds = program.steps.reduce(0) { $0 + Self.multiplyAdds(of: $1, in: program) }
    }

    /// Multiply-adds of one image in a step of any direction.
    private static func multiplyAdds(of step: ProgramStep, in program: Program) -> Int {
        func size(_ id: TensorID) -> Int { program[id].shape.count }
        func area(_ id: TensorID) -> Int { program[id].shape.area }
        return switch (step.operation, step.pass) {
        case (_, .forward): program.multiplyAdds(of: step)
        case (.linear, .backwardData): size(step.inputs[1])
        case (.linear, .backwardWeights): size(step.outputs[0])
        // The smaller map of a convolution is its output, that of a transposed convolution its input.
        case (.convolution, .backwardData): size(step.inputs[1]) * area(step.inputs[0])
        case (.convolution, .backwardWeights): size(step.outputs[0]) * area(step.inputs[1])
        case (.transposedConvolution, .backwardData): size(step.inputs[1]) * area(step.outputs[0])
        case (.transposedConvolution, .backwardWeights): size(step.outputs[0]) * area(step.inputs[0])
        default: 0
        }
    }
}

extension TrainingRecipe {
    /// The recipe in words, for instance "Adam, learning rate 0.001; batches of 128; 10 epochs".
    var words: String {
        var parts: [String]
        switch update.method {
        case .sgd(let momentum, let nesterov, let decay):
            parts = [
                (["SGD"] + (momentum > 0 ? ["momentum \(momentum)\(nesterov ? " (Nesterov)" : "")"] : [])
                    + Self.decay(decay)).joined(separator: ", ")
            ]
        case .adam(let beta1, let beta2, let epsilon, let decay):
            parts = [Self.adaptive("Adam", beta1, beta2, epsilon, decay)]
        case .adamW(let beta1, let beta2, let epsilon, let decay):
            parts = [Self.adaptive("AdamW", beta1, beta2, epsilon, decay)]
        }
        parts[0] += ", learning rate \(learningRate)"
        switch schedule {
        case .constant: break
        case .step(let epochs, let factor): parts[0] += ", times \(factor) every \(epochs) epochs"
        case .cosine(let minimum): parts[0] += ", falling along a cosine to \(minimum)"
        }
        if warmupSteps > 0 { parts[0] += ", warmed up over \(Formatting.grouped(warmupSteps)) steps" }
        if let norm = update.clipNorm { parts.append("gradients clipped to norm \(norm)") }
        if let decay = update.averageDecay { parts.append("weights averaged with decay \(decay)") }
        parts.append("batches of \(batchSize)")
        parts.append("\(Formatting.grouped(epochs)) \(epochs == 1 ? "epoch" : "epochs")")
        if validationCount > 0 { parts.append("\(Formatting.grouped(validationCount)) validation images") }
        if let patience { parts.append("stops after \(patience) epochs without improvement") }
        return parts.joined(separator: "; ")
    }

    private static func adaptive(
        _ name: String, _ beta1: Float, _ beta2: Float, _ epsilon: Float, _ decay: Float
    ) -> String {
        var words = [name]
        if (beta1, beta2) != (0.9, 0.999) { words.append("β \(beta1) and \(beta2)") }
        if epsilon != 1e-8 { words.append("ε \(epsilon)") }
        return (words + Self.decay(decay)).joined(separator: ", ")
    }

    private static func decay(_ value: Float) -> [String] {
        value > 0 ? ["weight decay \(value)"] : []
    }
}

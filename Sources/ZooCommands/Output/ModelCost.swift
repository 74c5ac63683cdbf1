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

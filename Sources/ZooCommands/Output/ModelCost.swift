import ModelKit
import TensorCore

/// What a model costs: parameters, bytes, arithmetic.
struct ModelCost {
    /// One line of the table of layers.
    struct Row {
        var path: String
        var kind: String
        var activation: String?
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
                path: $0.path, kind: $0.kind, activation: $0.activation, outputShape: $0.outputShape.dimensions,
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
        trainingMultiplyAdds = program.steps.reduce(0) { $0 + program.multiplyAdds(of: $1) }
    }
}

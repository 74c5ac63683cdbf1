import TensorCore

/// What a model costs: parameters, bytes, arithmetic.
public struct ModelCost: Sendable {
    /// One line of the table of layers.
    public struct Row: Sendable {
        public let path: String
        public let kind: String
        public let activation: String?
        public let outputShape: [Int]
        public let parameterCount: Int
        /// Of one image, forward.
        public let multiplyAdds: Int
    }

    /// The layers, and what the objective learns.
    public let rows: [Row]
    public let parameterCount: Int
    /// Of one image in the forward pass: linear layers and convolutions.
    public let multiplyAdds: Int
    /// Of one image in a training step, forward and backward.
    public let trainingMultiplyAdds: Int

    /// Bytes of the parameters, which are 32-bit.
    public var byteCount: Int { 4 * parameterCount }

    /// - Throws: `ZooError` where shapes do not fit.
    public init(_ definition: ModelDefinition) throws {
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
                    path: program[id].name, kind: "parameter", activation: nil,
                    outputShape: program[id].shape.dimensions,
                    parameterCount: program[id].shape.count, multiplyAdds: 0))
        }
        self.rows = rows
        parameterCount = graph.parameterCount
        multiplyAdds = program.multiplyAddsPerImage
        trainingMultiplyAdds = program.steps.reduce(0) { $0 + program.multiplyAdds(of: $1) }
    }
}

/// In which order the features of a vector `[D]` lie in memory where maps are stored channels-last, as the fast engine and Keras
/// do.
package enum FeatureOrder: Hashable {
    /// As numbered.
    case plain
    /// The vector is a flattened `[C, H, W]` whose memory is H W C: feature c·area + p lies at p·channels + c.
    case channelsLast(channels: Int, area: Int)

    /// The order of a vector that shares memory with channels-last maps of this shape.
    package init(of maps: Shape) {
        self =
            maps.channels == 1 || maps.area == 1
            ? .plain : .channelsLast(channels: maps.channels, area: maps.area)
    }

    /// For each place in memory the number of the feature that lies there; nil for the plain order.
    package func featureAtPlace() -> [Int]? {
        guard case .channelsLast(let channels, let area) = self else { return nil }
        return (0..<channels * area).map { place in place % channels * area + place / channels }
    }
}

/// Chooses the feature order of every vector of a program so that flattening and unflattening cost nothing.
///
/// Vectors that an element-wise operation connects must have one order. A reshape between maps and a vector asks for the
/// maps' order; a linear layer can meet any order by permuting the rows and columns of its weights; inputs, latent
/// vectors, losses and plug-in operations are plain. Where wishes clash, the reshape becomes a copy.
package struct FeatureOrders {
    private var parent: [Int]
    private var orders: [Int: FeatureOrder] = [:]
    private let tensorCount: Int

    package init(_ program: Program) {
        tensorCount = program.tensors.count
        parent = Array(0..<tensorCount * 3)
        for step in program.steps { connect(step, program) }
        // The wishes of the fixed first: they cannot yield.
        for step in program.steps { fix(step, program) }
        for (index, tensor) in program.tensors.enumerated() where tensor.role == .input && tensor.shape.rank == 1 {
            orders[find(index)] = .plain
        }
        for step in program.steps where isReshape(step) {
            for (vector, maps) in [(step.inputs[0], step.outputs[0]), (step.outputs[0], step.inputs[0])]
            where program[vector].shape.rank == 1 && program[maps].shape.rank == 3 {
                let root = find(vector.index)
                if orders[root] == nil { orders[root] = FeatureOrder(of: program[maps].shape) }
            }
        }
    }

    /// The order of a vector, and of a bias or a normalisation's parameters.
    package func order(of id: TensorID) -> FeatureOrder { orders[find(id.index)] ?? .plain }

    /// The order of the rows (outputs) of a linear layer's weights.
    package func rowOrder(of weights: TensorID) -> FeatureOrder { orders[find(tensorCount + weights.index)] ?? .plain }

    /// The order of the columns (inputs) of a linear layer's weights.
    package func columnOrder(of weights: TensorID) -> FeatureOrder {
        orders[find(2 * tensorCount + weights.index)] ?? .plain
    }

    private func isReshape(_ step: ProgramStep) -> Bool {
        if case .reshape = step.operation { true } else { false }
    }

    private func find(_ node: Int) -> Int {
        var node = node
        while parent[node] != node { node = parent[node] }
        return node
    }

    private mutating func unite(_ nodes: [Int]) {
        guard let first = nodes.first else { return }
        let root = find(first)
        for node in nodes.dropFirst() { parent[find(node)] = root }
    }

    private mutating func connect(_ step: ProgramStep, _ program: Program) {
        let (inputs, outputs) = (step.inputs.map(\.index), step.outputs.map(\.index))
        func rows(_ weights: Int) -> Int { tensorCount + weights }
        func columns(_ weights: Int) -> Int { 2 * tensorCount + weights }
        switch (step.operation, step.pass) {
        case (.linear, .forward):
            unite([inputs[0], columns(inputs[1])])
            unite([outputs[0], rows(inputs[1])] + inputs.dropFirst(2))
        case (.linear, .backwardData):
            unite([inputs[0], rows(inputs[1])])
            unite([outputs[0], columns(inputs[1])])
        case (.linear, .backwardWeights):
            unite([inputs[0], columns(outputs[0])])
            unite([inputs[1], rows(outputs[0])] + outputs.dropFirst())
        case (.activation, _), (.dropout, _):
            unite(inputs + outputs)
        case (.add, _):
            unite(inputs + outputs)
            // Also of two gradients of the same weights.
            unite((inputs + outputs).map(rows))
            unite((inputs + outputs).map(columns))
        case (.batchNorm, _), (.groupNorm, _):
            let vectors = (step.inputs + step.outputs).filter { program[$0].shape.rank == 1 }
            guard program[step.inputs[0]].shape.rank == 1 else { return }
            let size = program[step.inputs[0]].shape.count
            unite(vectors.filter { program[$0].shape.count == size }.map(\.index))
        case (.convolution, _), (.transposedConvolution, _), (.reshape, _), (.upsampleNearest, _), (.maxPool, _),
            (.averagePool, _), (.gaussianLatent, _), (.reconstruction, _), (.lossGradient, _), (.custom, _),
            (.vectorQuantization, _), (.codebookUpdate, _), (.crop, _), (.gate, _):
            break
        }
        // A parameter and its gradient lie alike.
        for (parameter, gradient) in zip(program.parameters, program.parameterGradients)
        where step.outputs.contains(gradient) {
            unite([parameter.index, gradient.index])
            unite([rows(parameter.index), rows(gradient.index)])
            unite([columns(parameter.index), columns(gradient.index)])
        }
    }

    private mutating func fix(_ step: ProgramStep, _ program: Program) {
        switch step.operation {
        case .gaussianLatent, .reconstruction, .custom, .vectorQuantization, .codebookUpdate:
            break
        case .groupNorm(let groups, _) where groups > 1:
            break
        case .groupNorm, .linear, .convolution, .transposedConvolution, .activation, .batchNorm, .dropout, .reshape,
            .upsampleNearest, .maxPool, .averagePool, .add, .lossGradient, .crop, .gate:
            return
        }
        for id in step.inputs + step.outputs where program[id].shape.rank == 1 { orders[find(id.index)] = .plain }
    }
}

extension GraphBuilder {
    /// Appends the backward pass: after a run, `program.parameterGradients` hold the gradient of the mean loss over the
    /// images of the batch with respect to every parameter.
    ///
    /// Reverse-mode differentiation over the steps in reverse order. The losses seed themselves: `reconstruction` and
    /// `gaussianLatent` put in their own gradients.
    ///
    /// - Throws: `ZooError` where a parameter has no influence on the loss.
    public mutating func differentiate() throws {
        let forwardSteps = program.steps
        let dependent = tensorsDependingOnParameters(forwardSteps)
        var contributions: [TensorID: [TensorID]] = [:]

        for (index, step) in forwardSteps.enumerated().reversed() {
            try scopedTo(step.path) { builder in
                let dy = try builder.sum(contributions[step.outputs[0]] ?? [])
                if let dy { contributions[step.outputs[0]] = [dy] }
                for (input, gradient) in builder.backward(step, at: index, outputGradient: dy, dependent: dependent) {
                    contributions[input, default: []].append(gradient)
                }
            }
        }
        for parameter in program.parameters {
            guard let gradient = try sum(contributions[parameter] ?? []) else {
                throw ZooError(
                    "the parameter \(program[parameter].name) has no influence on the loss",
                    advice: "remove the layer, or connect it to what follows")
            }
            program.tensors[gradient.index].role = .parameterGradient
            program.tensors[gradient.index].name = program[parameter].name + ".gradient"
            program.parameterGradients.append(gradient)
        }
    }

    private func tensorsDependingOnParameters(_ steps: [ProgramStep]) -> Set<TensorID> {
        var dependent = Set(program.parameters)
        for step in steps where step.inputs.contains(where: { dependent.contains($0) }) {
            dependent.formUnion(step.outputs)
        }
        return dependent
    }

    private mutating func scopedTo(_ path: String, _ body: (inout GraphBuilder) throws -> Void) throws {
        try scoped(path, body)
    }

    /// The sum of gradients of one tensor; nil for none.
    private mutating func sum(_ gradients: [TensorID]) throws -> TensorID? {
        guard var total = gradients.first else { return nil }
        for gradient in gradients.dropFirst() {
            let sum = gradientTensor(like: total)
            program.steps.append(
                ProgramStep(operation: .add, pass: .forward, inputs: [total, gradient], outputs: [sum], path: path))
            total = sum
        }
        return total
    }

    private mutating func gradientTensor(like id: TensorID) -> TensorID {
        let info = program[id]
        return append(
            TensorInfo(name: info.name + ".gradient", shape: info.shape, isBatched: info.isBatched, role: .gradient))
    }

    /// Appends the backward steps of the forward step at `index` and returns (input, gradient) pairs.
    private mutating func backward(
        _ step: ProgramStep, at index: Int, outputGradient: TensorID?, dependent: Set<TensorID>
    ) -> [(TensorID, TensorID)] {
        let inputs = step.inputs
        func needs(_ position: Int) -> Bool { position < inputs.count && dependent.contains(inputs[position]) }

        func emit(_ pass: Pass, _ stepInputs: [TensorID], gradientsOf positions: [Int]) -> [(TensorID, TensorID)] {
            let pairs = positions.map { (inputs[$0], gradientTensor(like: inputs[$0])) }
            program.steps.append(
                ProgramStep(
                    operation: step.operation, pass: pass, inputs: stepInputs, outputs: pairs.map(\.1), path: step.path,
                    gradient: ProgramStep.Gradient(step: index, inputs: positions)))
            return pairs
        }

        switch step.operation {
        case .reconstruction:
            guard needs(0) else { return [] }
            return emit(.backwardData, inputs, gradientsOf: inputs.count > 2 ? [0, 2] : [0])
        case .gaussianLatent:
            guard let dz = outputGradient, needs(0) || needs(1) else { return [] }
            return emit(.backwardData, [dz] + inputs + [step.outputs[2]], gradientsOf: [0, 1])
        case .linear, .convolution, .transposedConvolution, .activation, .batchNorm, .groupNorm, .dropout, .reshape,
            .upsampleNearest, .maxPool, .averagePool, .add, .custom:
            break
        }
        guard let dy = outputGradient else { return [] }
        switch step.operation {
        case .linear, .convolution, .transposedConvolution:
            var pairs: [(TensorID, TensorID)] = []
            if needs(0) { pairs += emit(.backwardData, [dy, inputs[1]], gradientsOf: [0]) }
            pairs += emit(.backwardWeights, [inputs[0], dy], gradientsOf: inputs.count > 2 ? [1, 2] : [1])
            return pairs
        case .activation(let activation):
            guard needs(0) else { return [] }
            let source = activation.derivativeSource == .input ? inputs[0] : step.outputs[0]
            return emit(.backwardData, [dy, source], gradientsOf: [0])
        case .batchNorm:
            let statistics = step.outputs.count > 2 ? Array(step.outputs[1...2]) : Array(inputs[3...4])
            return emit(.backwardData, [dy, inputs[0], inputs[1]] + statistics, gradientsOf: [0, 1, 2])
        case .groupNorm:
            return emit(
                .backwardData, [dy, inputs[0], inputs[1], step.outputs[1], step.outputs[2]], gradientsOf: [0, 1, 2])
        case .dropout, .reshape, .upsampleNearest, .averagePool:
            return needs(0) ? emit(.backwardData, [dy], gradientsOf: [0]) : []
        case .maxPool:
            return needs(0) ? emit(.backwardData, [dy, inputs[0]], gradientsOf: [0]) : []
        case .add:
            return [0, 1].filter(needs).map { (inputs[$0], dy) }
        case .custom:
            guard inputs.indices.contains(where: needs) else { return [] }
            return emit(.backwardData, [dy] + inputs, gradientsOf: Array(inputs.indices))
        case .reconstruction, .gaussianLatent:
            return []
        }
    }
}

extension GraphBuilder {
    /// Appends the backward passes, one for each group of parameters: after a run, `program.parameterGradients` hold the gradient of
    /// the group's loss with respect to each parameter.
    ///
    /// Reverse-mode differentiation over the steps in reverse order, from the group's terms to its parameters and nowhere else: a
    /// discriminator's loss does not reach the model whose codes it judges, and what the model wants of the discriminator does not
    /// teach that.
    ///
    /// - Throws: `ZooError` where a parameter has no influence on its group's loss.
    public mutating func differentiate() throws {
        let forwardSteps = program.steps
        var gradients: [TensorID: TensorID] = [:]
        for group in program.groups {
            let dependent = tensorsDepending(on: group.parameters, forwardSteps)
            var contributions: [TensorID: [TensorID]] = [:]
            for term in group.terms where dependent.contains(term.value) {
                scoped("objective") { builder in
                    contributions[term.value, default: []].append(builder.lossGradient(of: term))
                }
            }
            for (index, step) in forwardSteps.enumerated().reversed() {
                try scoped(step.path) { builder in
                    let outputGradients = try step.outputs.map { output in
                        let sum = try builder.sum(contributions[output] ?? [])
                        if let sum { contributions[output] = [sum] }
                        return sum
                    }
                    guard outputGradients.contains(where: { $0 != nil }) else { return }
                    let pairs = builder.backward(step, at: index, outputGradients, dependent: dependent)
                    for (input, gradient) in pairs { contributions[input, default: []].append(gradient) }
                }
            }
            for parameter in group.parameters {
                guard let gradient = try sum(contributions[parameter] ?? []) else {
                    throw ZooError(
                        "the parameter \(program[parameter].name) has no influence on the loss",
                        advice: "remove the layer, or connect it to what follows", code: .unsupported)
                }
                program.tensors[gradient.index].role = .parameterGradient
                program.tensors[gradient.index].name = program[parameter].name + ".gradient"
                gradients[parameter] = gradient
            }
        }
        program.parameterGradients = program.parameters.compactMap { gradients[$0] }
    }

    private mutating func lossGradient(of term: LossTerm) -> TensorID {
        let gradient = gradientTensor(like: term.value)
        program.steps.append(
            ProgramStep(
                operation: .lossGradient(term.weight), pass: .forward, inputs: [], outputs: [gradient], path: path))
        return gradient
    }

    private func tensorsDepending(on parameters: [TensorID], _ steps: [ProgramStep]) -> Set<TensorID> {
        var dependent = Set(parameters)
        for step in steps where step.inputs.contains(where: { dependent.contains($0) }) {
            dependent.formUnion(step.outputs)
        }
        return dependent
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
        let name = info.role == .gradient ? info.name : info.name + ".gradient"
        return append(TensorInfo(name: name, shape: info.shape, rows: info.rows, role: .gradient))
    }

    /// Appends the backward steps of the forward step at `index` and returns (input, gradient) pairs.
    private mutating func backward(
        _ step: ProgramStep, at index: Int, _ outputGradients: [TensorID?], dependent: Set<TensorID>
    ) -> [(TensorID, TensorID)] {
        let inputs = step.inputs
        func needs(_ position: Int) -> Bool { position < inputs.count && dependent.contains(inputs[position]) }

        func emit(
            _ pass: Pass, _ stepInputs: [TensorID], gradientsOf positions: [Int], outputs: [Int] = [0]
        ) -> [(TensorID, TensorID)] {
            let pairs = positions.map { (inputs[$0], gradientTensor(like: inputs[$0])) }
            program.steps.append(
                ProgramStep(
                    operation: step.operation, pass: pass, inputs: stepInputs, outputs: pairs.map(\.1), path: step.path,
                    gradient: ProgramStep.Gradient(step: index, inputs: positions, outputs: outputs)))
            return pairs
        }

        if case .gaussianLatent = step.operation {
            guard needs(0) || needs(1) else { return [] }
            let outputs = outputGradients.indices.filter { outputGradients[$0] != nil }
            return emit(
                .backwardData, outputGradients.compactMap { $0 } + inputs, gradientsOf: [0, 1], outputs: outputs)
        }
        guard let dy = outputGradients[0] else { return [] }
        switch step.operation {
        case .linear, .convolution, .transposedConvolution:
            var pairs: [(TensorID, TensorID)] = []
            if needs(0) { pairs += emit(.backwardData, [dy, inputs[1]], gradientsOf: [0]) }
            if needs(1) {
                pairs += emit(.backwardWeights, [inputs[0], dy], gradientsOf: inputs.count > 2 ? [1, 2] : [1])
            }
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
        case .dropout, .reshape, .upsampleNearest, .averagePool, .crop:
            return needs(0) ? emit(.backwardData, [dy], gradientsOf: [0]) : []
        case .maxPool, .gate:
            return needs(0) ? emit(.backwardData, [dy, inputs[0]], gradientsOf: [0]) : []
        case .add:
            return [0, 1].filter(needs).map { (inputs[$0], dy) }
        case .custom:
            let positions = inputs.indices.filter(needs)
            return positions.isEmpty ? [] : emit(.backwardData, [dy] + inputs, gradientsOf: positions)
        case .reconstruction:
            guard needs(0) else { return [] }
            return emit(.backwardData, [dy] + inputs, gradientsOf: inputs.count > 2 ? [0, 2] : [0])
        case .vectorQuantization:
            return needs(0) ? [(inputs[0], dy)] : []
        case .gaussianLatent, .lossGradient, .codebookUpdate:
            return []
        }
    }
}

/// A program step together with what is fused into it.
struct FusedStep {
    var step: ProgramStep
    /// Applied to the output of a linear layer or convolution, which then is the activation's output.
    var activation: Activation = .identity
    /// The backward step of a loss, computed in the same pass over the pixels.
    var backward: ProgramStep?

    var inputs: [TensorID] { step.inputs }
    var outputs: [TensorID] { step.outputs + (backward?.outputs ?? []) }
}

/// Merges steps that one kernel can do in one pass over memory.
struct Fusion {
    private(set) var steps: [FusedStep] = []

    init(_ program: Program, keepsEverything: Bool) {
        var uses = [Int](repeating: 0, count: program.tensors.count)
        for step in program.steps { for input in step.inputs { uses[input.index] += 1 } }
        var consumed = Set<Int>()

        for (index, step) in program.steps.enumerated() where !consumed.contains(index) {
            var fused = FusedStep(step: step)
            if !keepsEverything, let next = Self.fusibleActivation(after: index, in: program, uses: uses) {
                fused.activation = next.function
                fused.step.outputs = program.steps[next.index].outputs
                consumed.insert(next.index)
            }
            if case .reconstruction = step.operation, step.pass == .forward,
                let backward = program.steps[index...].firstIndex(where: {
                    $0.pass == .backwardData && $0.inputs == step.inputs && $0.path == step.path
                }), case .reconstruction = program.steps[backward].operation
            {
                fused.backward = program.steps[backward]
                consumed.insert(backward)
            }
            steps.append(fused)
        }
    }

    /// The activation that is the only user of the output of the linear layer or convolution at `index`. oneDNN fuses
    /// ReLU; what follows a transposed convolution is our own kernel, which fuses any.
    private static func fusibleActivation(
        after index: Int, in program: Program, uses: [Int]
    ) -> (index: Int, function: Activation)? {
        let step = program.steps[index]
        guard step.pass == .forward, uses[step.outputs[0].index] == 1, program[step.outputs[0]].role == .activation,
            let user = program.steps[index...].firstIndex(where: { $0.inputs.contains(step.outputs[0]) }),
            case .activation(let function) = program.steps[user].operation, program.steps[user].pass == .forward
        else { return nil }
        switch step.operation {
        case .linear, .convolution: return function == .relu ? (user, function) : nil
        case .transposedConvolution: return (user, function)
        default: return nil
        }
    }
}

/// A program step together with what is fused into it.
struct FusedStep {
    var step: ProgramStep
    /// Applied to the output of a linear layer or convolution, which then is the activation's output.
    var activation: Activation = .identity
    /// The backward step of a loss, computed in the same pass over the pixels.
    var backward: ProgramStep?
    /// The weight of that loss, where every image has the same.
    var lossWeight: ScheduleSlot?
    /// The output of a ReLU whose gradient is taken in the same pass: where it is not positive, the gradient
    /// that the step writes (backward data) or reads (backward weights) counts as zero.
    var mask: TensorID?
    /// Our kernel for a linear layer or convolution; nil where oneDNN has to do it, and for other operations.
    var kernel: (any MatrixKernel)?

    var inputs: [TensorID] { step.inputs + (mask.map { [$0] } ?? []) }
    var outputs: [TensorID] { step.outputs + (backward?.outputs ?? []) }
}

/// Merges steps that one kernel can do in one pass over memory, and chooses the kernels.
struct Fusion {
    private(set) var steps: [FusedStep] = []

    init(_ program: Program, _ choice: KernelChoice, keepsEverything: Bool) {
        var uses = [Int](repeating: 0, count: program.tensors.count)
        for step in program.steps { for input in step.inputs { uses[input.index] += 1 } }
        var consumed = Set<Int>()
        /// Gradients that are never written, for their only user takes the ReLU's gradient itself.
        var unmasked: [TensorID: (gradient: TensorID, mask: TensorID)] = [:]

        for (index, step) in program.steps.enumerated() where !consumed.contains(index) {
            var fused = FusedStep(step: step)
            if !keepsEverything, let masked = Self.maskedGradient(index, in: program, uses: uses) {
                unmasked[step.outputs[0]] = masked
                continue
            }
            if step.pass == .backwardWeights, let (gradient, mask) = unmasked[step.inputs[1]] {
                fused.step.inputs[1] = gradient
                fused.mask = mask
            }
            if !keepsEverything, let (user, mask) = Self.maskOfOutput(index, in: program, choice, uses: uses) {
                fused.step.outputs = program.steps[user].outputs
                fused.mask = mask
                consumed.insert(user)
            }
            if !keepsEverything, let next = Self.fusibleActivation(after: index, in: program, uses: uses) {
                fused.activation = next.function
                fused.step.outputs = program.steps[next.index].outputs
                consumed.insert(next.index)
            }
            if let loss = Self.lossGradient(of: index, in: program) {
                fused.backward = program.steps[loss.backward]
                fused.lossWeight = loss.weight
                consumed.insert(loss.backward)
                if !keepsEverything, uses[program.steps[loss.origin].outputs[0].index] == 1 {
                    consumed.insert(loss.origin)
                }
            }
            fused.kernel = fused.step.matrixKernel(program, choice)
            precondition(
                fused.mask == nil || fused.step.pass == .backwardWeights || fused.kernel?.masksOutput == true,
                "the kernel of \(step.path) takes no mask")
            steps.append(fused)
        }
    }

    /// Of a reconstruction loss that is a term of the objective as it is: its only backward step, and where that begins.
    private static func lossGradient(
        of index: Int, in program: Program
    ) -> (backward: Int, origin: Int, weight: ScheduleSlot)? {
        guard case .reconstruction = program.steps[index].operation, program.steps[index].pass == .forward else {
            return nil
        }
        let backward = program.steps.indices.filter { program.steps[$0].gradient?.step == index }
        guard backward.count == 1, let dLoss = program.steps[backward[0]].inputs.first,
            let origin = program.steps.firstIndex(where: { $0.outputs.contains(dLoss) }),
            case .lossGradient(let weight) = program.steps[origin].operation
        else { return nil }
        return (backward[0], origin, weight)
    }

    /// The activation that is the only user of the output of the linear layer or convolution at `index`. oneDNN and
    /// our kernels fuse ReLU; what follows a transposed convolution is our own kernel, which fuses any.
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
        case .activation, .batchNorm, .groupNorm, .dropout, .reshape, .upsampleNearest, .maxPool, .averagePool, .add,
            .gaussianLatent, .reconstruction, .lossGradient, .custom, .vectorQuantization, .codebookUpdate, .crop,
            .gate:
            return nil
        }
    }

    private static func isReLUGradient(_ step: ProgramStep) -> Bool {
        if case .activation(.relu) = step.operation { step.pass == .backwardData } else { false }
    }

    /// Of a ReLU's gradient whose only user is the weights' gradient of an `ImageConvolution` from an image: what it reads.
    private static func maskedGradient(
        _ index: Int, in program: Program, uses: [Int]
    ) -> (gradient: TensorID, mask: TensorID)? {
        let step = program.steps[index]
        guard isReLUGradient(step), uses[step.outputs[0].index] == 1, program[step.outputs[0]].role == .gradient,
            let user = program.steps[index...].first(where: { $0.inputs.contains(step.outputs[0]) }),
            user.pass == .backwardWeights, case .convolution = user.operation, user.inputs[1] == step.outputs[0],
            ImageConvolution(user, program) != nil
        else { return nil }
        return (step.inputs[0], step.inputs[1])
    }

    /// Of a kernel of ours that writes a gradient which only a ReLU's gradient reads: that step, and what it masks by.
    private static func maskOfOutput(
        _ index: Int, in program: Program, _ choice: KernelChoice, uses: [Int]
    ) -> (user: Int, mask: TensorID)? {
        let step = program.steps[index]
        guard step.pass == .backwardData, uses[step.outputs[0].index] == 1,
            step.matrixKernel(program, choice)?.masksOutput == true,
            let user = program.steps[index...].firstIndex(where: { $0.inputs.contains(step.outputs[0]) }),
            isReLUGradient(program.steps[user]), program.steps[user].inputs[0] == step.outputs[0]
        else { return nil }
        return (user, program.steps[user].inputs[1])
    }
}

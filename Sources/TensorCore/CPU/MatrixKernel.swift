import CKernels

/// A pass of a linear layer or convolution that a kernel of our own does in place of oneDNN.
protocol MatrixKernel {
    var operands: MatrixOperands { get }
    /// What a profile calls it.
    var name: String { get }
    /// How the weights and their gradient lie.
    var weightLayout: WeightLayout { get }
    /// Bytes of a copy of the weights that is made before a run; nil where the kernel reads them as they are.
    var packedByteCount: Int? { get }
    /// Bytes of workspace for batches done in `parts` that may run at the same time.
    func workspaceByteCount(images: Int, parts: Int) -> Int
    /// A tensor that has to be f32.
    var f32Tensor: TensorID? { get }
    /// Whether it applies a fused ReLU; other activations follow it.
    var fusesReLU: Bool { get }
    /// Whether it takes a mask, a tensor like the one it writes, and writes zero where the mask is not positive.
    var masksOutput: Bool { get }
    /// Whether it computes the gradient of the bias together with that of the weights.
    var sumsBias: Bool { get }
    /// Whether it can update the weights in place of storing their gradient.
    var updatesWeights: Bool { get }
    func pack(_ weights: KernelMemory, into packed: KernelMemory) -> (StepValues) -> Void
    func run(_ tensors: KernelTensors, relu: Bool) -> (StepValues) -> Void
}

typealias KernelMemory = UnsafeMutablePointer<Float>

/// A tensor of either type.
struct KernelTensor {
    let memory: KernelMemory
    let isBF16: Bool
}

/// What a matrix kernel reads and writes, named as in `MatrixOperands`.
struct KernelTensors {
    let wide: KernelTensor
    let narrow: KernelTensor
    /// The packed copy, if the kernel makes one; in the pass for the weights, their gradient.
    let weights: KernelMemory
    /// Or its gradient.
    let bias: KernelMemory?
    let mask: KernelMemory?
    /// The weights to update in place of storing their gradient.
    let target: UnsafePointer<zk_target>?
    let workspace: KernelMemory
    let parts: Int64
    let images: Int64
}

extension MatrixKernel {
    var packedByteCount: Int? { nil }
    var f32Tensor: TensorID? { nil }
    var sumsBias: Bool { false }
    var updatesWeights: Bool { false }
    func pack(_ weights: KernelMemory, into packed: KernelMemory) -> (StepValues) -> Void { { _ in } }
}

extension ProgramStep {
    func matrixKernel(_ program: Program, _ choice: KernelChoice) -> (any MatrixKernel)? {
        ImageConvolution(self, program) ?? TileConvolution(self, program, choice.precision)
            ?? TileLinear(self, program, choice.precision) ?? WinogradConvolution(self, program, choice)
            ?? DirectConvolution(self, program, choice.precision) ?? FloatLinear(self, program, choice.precision)
    }
}

extension StepCompiler {
    /// The weights that a step updates as soon as it has their gradient: nobody else wants the gradient, and no later step reads
    /// the weights.
    func updatedParameter(of fused: FusedStep, _ kernel: any MatrixKernel) -> TensorID? {
        guard kernel.updatesWeights, !keepsEverything,
            let position = program.parameterGradients.firstIndex(of: fused.step.outputs[0])
        else { return nil }
        let (gradient, parameter) = (program.parameterGradients[position], program.parameters[position])
        guard let rule = program.group(of: parameter)?.update, rule.clipNorm == nil,
            let index = self.fused.firstIndex(where: { $0.step.outputs.contains(gradient) })
        else { return nil }
        let isReadLater = self.fused[(index + 1)...].contains {
            $0.inputs.contains(gradient) || $0.inputs.contains(parameter)
        }
        return isReadLater ? nil : parameter
    }

    func packStep(
        _ kernel: any MatrixKernel, _ packed: KernelMemory, byteCount: Int, _ placement: Placement
    ) throws -> CompiledStep {
        let weights = kernel.operands.weights
        return CompiledStep(
            path: program[weights].name, operation: "pack weights", pass: .forward, implementation: kernel.name,
            flops: 0, byteCount: program[weights].shape.count * MemoryLayout<Float>.stride + byteCount,
            run: kernel.pack(try address(weights, placement), into: packed))
    }

    func matrixStep(
        _ kernel: any MatrixKernel, _ fused: FusedStep, packed: KernelMemory?, _ placement: Placement
    ) throws -> CompiledStep {
        let step = fused.step
        let operands = kernel.operands
        func at(_ id: TensorID) throws -> KernelMemory { try address(id, placement) }
        let updates = placement.updates
        let updated = updatedParameter(of: fused, kernel)
        func tensor(_ id: TensorID) throws -> KernelTensor { .init(memory: try at(id), isBF16: types.isBF16(id)) }
        var run = kernel.run(
            KernelTensors(
                wide: try tensor(operands.wide), narrow: try tensor(operands.narrow),
                weights: try packed ?? at(operands.weights), bias: try operands.bias.map(at),
                mask: try fused.mask.map(at), target: updated.flatMap { updates.target(of: $0) },
                workspace: placement.scratchpad, parts: Int64(threadCount),
                images: Int64(rowCount(operands.source))),
            relu: fused.activation == .relu)
        if operands.pass == .backwardWeights {
            if let bias = operands.bias, !kernel.sumsBias {
                let (gradient, shape) = (try tensor(operands.destination), program[operands.destination].shape)
                let channels = program[bias].shape.count
                let (rows, sums, product) = (
                    Int64(rowCount(operands.destination) * shape.count / channels), try at(bias), run
                )
                run = { values in
                    product(values)
                    zk_column_sums(gradient.memory, gradient.isBF16, rows, Int64(channels), sums)
                }
            }
        } else if fused.activation != .identity, !(kernel.fusesReLU && fused.activation == .relu) {
            let (kind, parameter) = fused.activation.kernel
            let written = try tensor(step.outputs[0])
            let (count, product) = (Int64(program[step.outputs[0]].elementCount(images: batchSize)), run)
            run = { values in
                product(values)
                zk_activate(kind, parameter, written.memory, written.memory, written.isBF16, count)
            }
        }
        if updated != nil {
            let product = run
            run = { values in withExtendedLifetime(updates) { product(values) } }
        }
        return CompiledStep(
            path: step.path, operation: step.operation.name, pass: step.pass, implementation: kernel.name,
            flops: 2 * Double(rowCount(operands.source) * program.multiplyAdds(of: step)),
            byteCount: (fused.inputs + fused.outputs).reduce(0) { $0 + byteCount($1) }, updatesWeights: updated != nil,
            run: run)
    }
}

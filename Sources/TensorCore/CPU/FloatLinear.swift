import CKernels

/// A pass of a linear layer in f32, with bias, ReLU and the mask of a ReLU's gradient in the same pass.
struct FloatLinear: MatrixKernel {
    let operands: MatrixOperands
    private let inputs: Int64
    private let outputs: Int64

    /// nil where the step is no linear layer, or not in f32.
    init?(_ step: ProgramStep, _ program: Program, _ precision: Precision) {
        guard precision == .f32, case .linear = step.operation, let operands = step.matrixOperands else { return nil }
        self.operands = operands
        let shape = program[operands.weights].shape
        outputs = Int64(shape.dimensions[0])
        inputs = Int64(shape.dimensions[1])
    }

    var name: String { "linear kernel" }

    var fusesReLU: Bool { true }

    var masksOutput: Bool { true }

    var sumsBias: Bool { true }

    var updatesWeights: Bool { operands.pass == .backwardWeights }

    var weightLayout: WeightLayout { .panels }

    func workspaceByteCount(images: Int, parts: Int) -> Int {
        operands.pass == .forward
            ? 0
            : Int(zk_linear_workspace(Int64(images), inputs, outputs, Int64(parts)))
                * MemoryLayout<Float>.stride
    }

    func run(_ t: KernelTensors, relu: Bool) -> (StepValues) -> Void {
        let (inputs, outputs, x, y) = (inputs, outputs, t.wide.memory, t.narrow.memory)
        return switch operands.pass {
        case .forward: { _ in zk_linear(x, t.weights, t.bias, relu, t.mask, y, t.images, inputs, outputs) }
        case .backwardData: { _ in zk_linear_data(y, t.weights, t.mask, x, t.workspace, t.images, inputs, outputs) }
        case .backwardWeights:
            { _ in zk_linear_weights(x, y, t.weights, t.bias, t.target, t.workspace, t.images, inputs, outputs) }
        }
    }
}

import CKernels

/// A pass of a linear layer on the tile registers of AMX.
///
/// oneDNN wants bfloat16 weights in an order of its own, and copying them takes as long as the product. These kernels make the
/// tiles they need from the weights as they are stored, outputs × inputs, while they multiply.
struct TileLinear: MatrixKernel {
    let operands: MatrixOperands
    private let weightShape: Shape

    /// nil where the step is no linear layer or the processor has no tile registers.
    init?(_ step: ProgramStep, _ program: Program, _ precision: Precision) {
        guard case .linear = step.operation, let operands = step.matrixOperands, precision.hasTiles
        else { return nil }
        self.operands = operands
        weightShape = program[operands.weights].shape
    }

    private var outputs: Int64 { Int64(weightShape.dimensions[0]) }

    private var inputs: Int64 { Int64(weightShape.dimensions[1]) }

    var name: String { "tile kernel" }

    var fusesReLU: Bool { true }

    var masksOutput: Bool { true }

    var weightLayout: WeightLayout { .rowMajor }

    func workspaceByteCount(images: Int, parts: Int) -> Int {
        Int(zk_tile_linear_workspace(Int64(images), inputs, outputs, Int64(parts)))
    }

    func run(_ t: KernelTensors, relu: Bool) -> (StepValues) -> Void {
        let (inputs, outputs, wide, narrow) = (inputs, outputs, t.wide, t.narrow)
        if operands.pass == .backwardWeights {
            return { _ in
                zk_tile_linear_weights(
                    wide.memory, wide.isBF16, narrow.memory, narrow.isBF16, t.weights, t.workspace, t.parts, t.images,
                    inputs, outputs)
            }
        }
        let isForward = operands.pass == .forward
        let (x, y) = isForward ? (wide, narrow) : (narrow, wide)
        return { _ in
            zk_tile_linear(
                x.memory, x.isBF16, t.weights, isForward, t.bias, relu, t.mask, y.memory, y.isBF16, t.workspace,
                t.parts,
                t.images, inputs, outputs)
        }
    }
}

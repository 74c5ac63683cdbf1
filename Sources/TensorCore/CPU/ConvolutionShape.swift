import CKernels

/// What the kernels of convolutions know of a pass: its operands, its window and the channels of the narrow side.
struct ConvolutionShape {
    let operands: MatrixOperands
    /// From the wide to the narrow side.
    var window: zk_window
    /// Channels of the narrow side.
    let maps: Int64

    /// nil where the step is no convolution.
    init?(_ step: ProgramStep, _ program: Program) {
        guard let operands = step.matrixOperands, let window = operands.window else { return nil }
        self.operands = operands
        maps = Int64(program[operands.narrow].shape.channels)
        self.window = zk_window(window, input: program[operands.wide].shape, output: program[operands.narrow].shape)
    }

    /// Elements of the weights.
    var weightCount: Int { Int(maps * window.channels * window.kernel.0 * window.kernel.1) }

    var isToWide: Bool { operands.pass == .backwardData }
}

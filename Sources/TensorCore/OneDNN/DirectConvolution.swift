import CKernels

/// A pass of any convolution in f32, as products of rows of pixels with the weights of each tap.
///
/// Weights lie as kernel height × kernel width × channels of the wide side × channels of the narrow side.
struct DirectConvolution: MatrixKernel {
    let operands: MatrixOperands
    private let weightShape: Shape
    private var window: zk_window

    /// nil where the step is no convolution, or not in f32.
    init?(_ step: ProgramStep, _ program: Program, _ precision: Precision) {
        guard precision == .f32, let operands = step.matrixOperands, let window = operands.window else { return nil }
        self.operands = operands
        weightShape = program[operands.weights].shape
        self.window = zk_window(window, input: program[operands.wide].shape, output: program[operands.narrow].shape)
    }

    private var maps: Int64 { Int64(weightShape.dimensions[0]) }

    var name: String { "direct kernel" }

    var fusesReLU: Bool { true }

    var masksOutput: Bool { true }

    var weightLayout: WeightLayout { .channelsThenMaps }

    /// The way to the wide side reads the weights of each tap transposed.
    var packedByteCount: Int? {
        operands.pass == .backwardData ? weightShape.count * MemoryLayout<Float>.stride : nil
    }

    func workspaceByteCount(images: Int, parts: Int) -> Int {
        var window = window
        return Int(zk_direct_convolution_workspace(&window, maps, Int64(images), Int64(parts)))
            * MemoryLayout<Float>.stride
    }

    func pack(_ weights: KernelMemory, into packed: KernelMemory) -> (StepValues) -> Void {
        let maps = maps
        var window = window
        return { _ in zk_direct_convolution_pack(weights, packed, &window, maps) }
    }

    func run(_ t: KernelTensors, relu: Bool) -> (StepValues) -> Void {
        let (maps, wide, narrow) = (maps, t.wide.memory, t.narrow.memory)
        var window = window
        if operands.pass == .backwardWeights {
            return { _ in zk_direct_convolution_weights(wide, narrow, t.weights, t.workspace, t.images, maps, &window) }
        }
        let isToWide = operands.pass == .backwardData
        let (x, y) = isToWide ? (narrow, wide) : (wide, narrow)
        return { _ in
            zk_direct_convolution(x, t.weights, isToWide, t.bias, relu, t.mask, y, t.workspace, t.images, maps, &window)
        }
    }
}

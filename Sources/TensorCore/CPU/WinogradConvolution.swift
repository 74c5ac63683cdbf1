import CKernels

/// A pass of a convolution of stride 2 between maps in f32, with fewer operations than the products of all pixels and taps take.
///
/// Its phases are convolutions of two taps, done by Winograd's algorithm (Lavin and Gray 2016; phases: Huang and others 2020,
/// arXiv:2002.00552). Weights lie as kernel height × kernel width × channels of the wide side × channels of the narrow side.
struct WinogradConvolution: MatrixKernel {
    private let shape: ConvolutionShape

    /// nil where the step is no convolution, not in f32, of a shape that the kernels do not take, or to be computed directly.
    init?(_ step: ProgramStep, _ program: Program, _ choice: KernelChoice) {
        guard choice.precision == .f32, choice.convolution == .fast, var shape = ConvolutionShape(step, program),
            zk_winograd_fits(&shape.window, shape.maps)
        else { return nil }
        self.shape = shape
    }

    var operands: MatrixOperands { shape.operands }

    var name: String { "winograd kernel" }

    var fusesReLU: Bool { true }

    var masksOutput: Bool { true }

    var weightLayout: WeightLayout { .channelsThenMaps }

    /// The pass for the weights reads none.
    var packedByteCount: Int? {
        var window = shape.window
        return operands.pass == .backwardWeights
            ? nil
            : Int(zk_winograd_filter_count(&window, shape.maps, shape.isToWide)) * MemoryLayout<Float>.stride
    }

    func workspaceByteCount(images: Int, parts: Int) -> Int {
        var window = shape.window
        return Int(zk_winograd_workspace(&window, shape.maps, Int64(images), Int64(parts))) * MemoryLayout<Float>.stride
    }

    func pack(_ weights: KernelMemory, into packed: KernelMemory) -> (StepValues) -> Void {
        let (isToWide, maps) = (shape.isToWide, shape.maps)
        var window = shape.window
        return { _ in zk_winograd_pack(weights, packed, isToWide, &window, maps) }
    }

    func run(_ t: KernelTensors, relu: Bool) -> (StepValues) -> Void {
        let (maps, wide, narrow) = (shape.maps, t.wide.memory, t.narrow.memory)
        var window = shape.window
        if operands.pass == .backwardWeights {
            return { _ in zk_winograd_weights(wide, narrow, t.weights, t.workspace, t.images, maps, &window) }
        }
        let isToWide = shape.isToWide
        let (x, y) = isToWide ? (narrow, wide) : (wide, narrow)
        return { _ in
            zk_winograd(x, t.weights, isToWide, t.bias, relu, t.mask, y, t.workspace, t.images, maps, &window)
        }
    }
}

import CKernels

/// A pass of any convolution in f32, as products of rows of pixels with the weights of each tap.
///
/// Weights lie as kernel height × kernel width × channels of the wide side × channels of the narrow side.
struct DirectConvolution: MatrixKernel {
    private let shape: ConvolutionShape

    /// nil where the step is no convolution, or not in f32.
    init?(_ step: ProgramStep, _ program: Program, _ precision: Precision) {
        guard precision == .f32, let shape = ConvolutionShape(step, program) else { return nil }
        self.shape = shape
    }

    var operands: MatrixOperands { shape.operands }

    var name: String { "direct kernel" }

    var fusesReLU: Bool { true }

    var masksOutput: Bool { true }

    var weightLayout: WeightLayout { .channelsThenMaps }

    /// The way to the wide side reads the weights of each tap transposed.
    var packedByteCount: Int? {
        shape.isToWide ? shape.weightCount * MemoryLayout<Float>.stride : nil
    }

    func workspaceByteCount(images: Int, parts: Int) -> Int {
        var window = shape.window
        return Int(zk_direct_convolution_workspace(&window, shape.maps, Int64(images), Int64(parts)))
            * MemoryLayout<Float>.stride
    }

    func pack(_ weights: KernelMemory, into packed: KernelMemory) -> (StepValues) -> Void {
        let maps = shape.maps
        var window = shape.window
        return { _ in zk_direct_convolution_pack(weights, packed, &window, maps) }
    }

    func run(_ t: KernelTensors, relu: Bool) -> (StepValues) -> Void {
        let (maps, wide, narrow) = (shape.maps, t.wide.memory, t.narrow.memory)
        var window = shape.window
        if operands.pass == .backwardWeights {
            return { _ in zk_direct_convolution_weights(wide, narrow, t.weights, t.workspace, t.images, maps, &window) }
        }
        let isToWide = shape.isToWide
        let (x, y) = isToWide ? (narrow, wide) : (wide, narrow)
        return { _ in
            zk_direct_convolution(x, t.weights, isToWide, t.bias, relu, t.mask, y, t.workspace, t.images, maps, &window)
        }
    }
}

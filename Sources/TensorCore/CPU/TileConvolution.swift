import CKernels

/// A pass of a convolution or transposed convolution between maps, on the tile registers of AMX.
///
/// oneDNN's bfloat16 passes back through a convolution reach a tenth of the speed of its matrix products, and its forward pass a
/// half. Here each pass is a sum of matrix products, one for each tap of the kernel, of pixels that already lie side by side.
/// Weights lie as kernel height × kernel width × channels of the narrow side × channels of the wide side.
struct TileConvolution: MatrixKernel {
    private let shape: ConvolutionShape

    /// nil where the step is no convolution, the kernels do not take its shapes, or the processor has no tile registers.
    init?(_ step: ProgramStep, _ program: Program, _ precision: Precision) {
        guard precision.hasTiles, var shape = ConvolutionShape(step, program),
            zk_tile_convolution_fits(&shape.window, shape.maps)
        else { return nil }
        self.shape = shape
    }

    var operands: MatrixOperands { shape.operands }

    var name: String { "tile kernel" }

    var fusesReLU: Bool { true }

    var masksOutput: Bool { true }

    var weightLayout: WeightLayout { .mapsThenChannels }

    /// The pass for the weights reads none.
    var packedByteCount: Int? {
        operands.pass == .backwardWeights ? nil : shape.weightCount * MemoryLayout<UInt16>.stride
    }

    func workspaceByteCount(images: Int, parts: Int) -> Int {
        var window = shape.window
        return Int(zk_tile_convolution_workspace(&window, shape.maps, Int64(images), Int64(parts)))
    }

    func pack(_ weights: KernelMemory, into packed: KernelMemory) -> (StepValues) -> Void {
        let (isToWide, maps) = (shape.isToWide, shape.maps)
        var window = shape.window
        return { _ in zk_tile_pack(weights, packed, isToWide, &window, maps) }
    }

    func run(_ t: KernelTensors, relu: Bool) -> (StepValues) -> Void {
        let (maps, wide, narrow) = (shape.maps, t.wide, t.narrow)
        var window = shape.window
        if operands.pass == .backwardWeights {
            return { _ in
                zk_tile_weights(
                    wide.memory, wide.isBF16, narrow.memory, narrow.isBF16, t.weights, t.workspace, t.parts, t.images,
                    maps, &window)
            }
        }
        let isToWide = shape.isToWide
        let (x, y) = isToWide ? (narrow, wide) : (wide, narrow)
        return { _ in
            zk_tile_convolution(
                x.memory, x.isBF16, t.weights, isToWide, t.bias, relu, t.mask, y.memory, y.isBF16, t.workspace, t.parts,
                t.images, maps, &window)
        }
    }
}

extension Precision {
    private static let processorHasTiles = zk_has_tiles()

    /// Whether the tile kernels compute in this precision here.
    var hasTiles: Bool { self == .bf16 && Self.processorHasTiles }
}

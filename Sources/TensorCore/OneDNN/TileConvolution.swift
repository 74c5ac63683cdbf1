import CKernels

/// A pass of a bfloat16 convolution or transposed convolution between maps, on the tile registers of AMX.
///
/// oneDNN's passes back through a convolution reach a tenth of the speed of its matrix products, and its forward pass a half. Here
/// each pass is a sum of matrix products, one for each tap of the kernel, of pixels that already lie side by side. Weights lie
/// as kernel height × kernel width × channels of the wide side × channels of the narrow side.
struct TileConvolution {
    let operands: MatrixOperands
    private let weightShape: Shape
    private var window: zk_window

    /// nil where the step is no convolution, the kernels do not take its shapes, or the processor has no tile registers.
    init?(_ step: ProgramStep, _ program: Program, _ precision: Precision) {
        guard precision == .bf16, Self.isAvailable, let operands = step.matrixOperands, let window = operands.window
        else { return nil }
        self.operands = operands
        weightShape = program[operands.weights].shape
        self.window = zk_window(window, input: program[operands.wide].shape, output: program[operands.narrow].shape)
        guard zk_tile_convolution_fits(&self.window, maps) else { return nil }
    }

    private static let isAvailable = zk_has_tiles()

    private var maps: Int64 { Int64(weightShape.dimensions[0]) }

    func weightLayout() throws -> DNNLayout { try .tapsFirst(weightShape) }

    /// Bytes of a copy of the weights as the tiles read it; nil in the pass for the weights, which reads none.
    var packedByteCount: Int? {
        operands.pass == .backwardWeights ? nil : weightShape.count * MemoryLayout<UInt16>.stride
    }

    /// Bytes of workspace for batches done in `parts` that may run at the same time.
    func workspaceByteCount(images: Int, parts: Int) -> Int {
        var window = window
        return Int(zk_tile_convolution_workspace(&window, maps, Int64(images), Int64(parts)))
    }

    typealias Memory = UnsafeMutablePointer<Float>

    /// A tensor in either type.
    struct Maps {
        let memory: Memory
        let isHalf: Bool
    }

    func pack(_ weights: Memory, into packed: Memory) -> (StepValues) -> Void {
        let (isToWide, maps) = (operands.pass == .backwardData, maps)
        var window = window
        return { _ in zk_tile_pack(weights, packed, isToWide, &window, maps) }
    }

    /// From one side to the other. What is written is zero where `mask`, of the same type, is not positive.
    func product(
        wide: Maps, narrow: Maps, packed: Memory, bias: Memory?, relu: Bool, mask: Memory?, workspace: Memory,
        parts: Int, images: Int
    ) -> (StepValues) -> Void {
        let (maps, images, parts) = (maps, Int64(images), Int64(parts))
        var window = window
        return operands.pass == .forward
            ? { _ in
                zk_tiles_to_narrow(
                    wide.memory, wide.isHalf, packed, bias, relu, mask, narrow.memory, narrow.isHalf, workspace, parts,
                    images, maps, &window)
            }
            : { _ in
                zk_tiles_to_wide(
                    narrow.memory, narrow.isHalf, packed, bias, relu, mask, wide.memory, wide.isHalf, workspace, parts,
                    images, maps, &window)
            }
    }

    func toWeights(
        wide: Maps, narrow: Maps, weights: Memory, workspace: Memory, parts: Int, images: Int
    ) -> (StepValues) -> Void {
        let (maps, images, parts) = (maps, Int64(images), Int64(parts))
        var window = window
        return { _ in
            zk_tile_weights(
                wide.memory, wide.isHalf, narrow.memory, narrow.isHalf, weights, workspace, parts, images, maps,
                &window)
        }
    }
}

extension StepCompiler {
    func packStep(
        _ convolution: TileConvolution, _ packed: UnsafeMutablePointer<Float>, _ placement: Placement
    ) throws -> CompiledStep {
        let weights = convolution.operands.weights
        let bytes = program[weights].shape.count * (MemoryLayout<Float>.stride + MemoryLayout<UInt16>.stride)
        return CompiledStep(
            path: program[weights].name, operation: "pack weights", pass: .forward, implementation: "tile kernel",
            flops: 0, byteCount: bytes,
            run: convolution.pack(try address(weights, placement), into: packed))
    }

    func tileStep(
        _ convolution: TileConvolution, _ fused: FusedStep, packed: UnsafeMutablePointer<Float>?,
        _ placement: Placement
    ) throws -> CompiledStep {
        let step = fused.step
        let operands = convolution.operands
        func at(_ id: TensorID) throws -> UnsafeMutablePointer<Float> { try address(id, placement) }
        func maps(_ id: TensorID) throws -> TileConvolution.Maps { .init(memory: try at(id), isHalf: types.isHalf(id)) }
        let (wide, narrow) = (try maps(operands.wide), try maps(operands.narrow))
        let bias = try operands.bias.map(at)
        let run: (StepValues) -> Void
        if let packed {
            let isReLU = fused.activation == .relu
            let product = convolution.product(
                wide: wide, narrow: narrow, packed: packed, bias: bias, relu: isReLU, mask: try fused.mask.map(at),
                workspace: placement.scratchpad, parts: threadCount, images: batchSize)
            let (kind, parameter) = fused.activation.kernel
            let written = try maps(step.outputs[0])
            let count = Int64(program[step.outputs[0]].shape.count * batchSize)
            run =
                isReLU || fused.activation == .identity
                ? product
                : { values in
                    product(values)
                    zk_activate(kind, parameter, written.memory, written.memory, written.isHalf, count)
                }
        } else {
            let toWeights = convolution.toWeights(
                wide: wide, narrow: narrow, weights: try at(operands.weights), workspace: placement.scratchpad,
                parts: threadCount, images: batchSize)
            let biased = operands.isTransposed ? operands.wide : operands.narrow
            let (gradient, shape) = (try maps(biased), program[biased].shape)
            let (rows, channels) = (Int64(batchSize * shape.area), Int64(shape.channels))
            run =
                if let bias {
                    { values in
                        toWeights(values)
                        zk_column_sums(gradient.memory, gradient.isHalf, rows, channels, bias)
                    }
                } else {
                    toWeights
                }
        }
        return CompiledStep(
            path: step.path, operation: step.operation.name, pass: step.pass, implementation: "tile kernel",
            flops: 2 * Double(batchSize * program.multiplyAdds(of: step)),
            byteCount: (fused.inputs + fused.outputs).reduce(0) { $0 + byteCount($1) }, run: run)
    }
}

import CKernels
import COneDNN

/// A pass of a convolution from an image of few channels to maps of many, or of a transposed convolution the other way: the
/// first layer of an encoder and the last of a decoder.
///
/// oneDNN is slow at these (the pass to one channel runs at a twentieth of the processor's speed), so kernels of our own do
/// them. Weights lie as kernel height × kernel width × image channels × maps.
struct ImageConvolution {
    private static let mostImageChannels = 4

    /// The image is the wide side, the maps are the narrow side.
    let operands: MatrixOperands
    private let weightShape: Shape
    private var window: zk_window

    /// nil where the step is no convolution or the kernels do not take its shapes.
    init?(_ step: ProgramStep, _ program: Program) {
        guard let operands = step.matrixOperands, let window = operands.window else { return nil }
        self.operands = operands
        weightShape = program[operands.weights].shape
        let (image, maps) = (program[operands.wide].shape, program[operands.narrow].shape)
        self.window = zk_window(window, input: image, output: maps)
        guard image.channels <= Self.mostImageChannels,
            zk_image_convolution_fits(&self.window, Int64(maps.channels))
        else { return nil }
    }

    private var channels: Int64 { Int64(weightShape.dimensions[0]) }

    func weightLayout() throws -> DNNLayout { try .tapsFirst(weightShape) }

    /// Bytes of workspace for batches done in `parts` that may run at the same time.
    func workspaceByteCount(parts: Int) -> Int {
        var window = window
        return Int(zk_image_convolution_workspace(&window, channels, Int64(parts))) * MemoryLayout<Float>.stride
    }

    typealias Memory = UnsafeMutablePointer<Float>

    /// From the image to the maps.
    func toMaps(
        image: Memory, weights: Memory, bias: Memory?, relu: Bool, mask: Memory?, maps: Memory, half: Bool,
        workspace: Memory, parts: Int, images: Int
    ) -> (StepValues) -> Void {
        let (channels, images, parts) = (channels, Int64(images), Int64(parts))
        var window = window
        return { _ in
            zk_image_to_maps(
                image, weights, bias, relu, mask, maps, half, workspace, parts, images, channels, &window)
        }
    }

    /// From the maps to the image.
    func toImage(
        maps: Memory, half: Bool, weights: Memory, bias: Memory?, image: Memory, workspace: Memory, parts: Int,
        images: Int
    ) -> (StepValues) -> Void {
        let (channels, images, parts) = (channels, Int64(images), Int64(parts))
        var window = window
        return { _ in
            zk_maps_to_image(maps, half, weights, bias, image, workspace, parts, images, channels, &window)
        }
    }

    /// The gradients of the weights and of a bias that belongs to the maps.
    func toWeights(
        image: Memory, maps: Memory, mask: Memory?, half: Bool, weights: Memory, bias: Memory?, workspace: Memory,
        parts: Int, images: Int
    ) -> (StepValues) -> Void {
        let (channels, images, parts) = (channels, Int64(images), Int64(parts))
        var window = window
        return { _ in
            zk_image_convolution_weights(
                image, maps, mask, half, weights, bias, workspace, parts, images, channels, &window)
        }
    }
}

extension StepCompiler {
    func imageStep(
        _ convolution: ImageConvolution, _ fused: FusedStep, _ placement: Placement
    ) throws -> CompiledStep {
        let step = fused.step
        func at(_ id: TensorID) throws -> UnsafeMutablePointer<Float> { try address(id, placement) }
        let operands = convolution.operands
        let (image, maps) = (try at(operands.wide), try at(operands.narrow))
        let weights = try at(operands.weights)
        let (mapsBias, imageBias) = (try operands.narrowBias.map(at), try operands.wideBias.map(at))
        let mask = try fused.mask.map(at)
        let half = types.isHalf(operands.narrow)
        let images = batchSize
        let imageShape = program[operands.wide].shape
        let run: (StepValues) -> Void
        switch operands.pass {
        case .forward:
            run = convolution.toMaps(
                image: image, weights: weights, bias: mapsBias, relu: fused.activation == .relu, mask: mask, maps: maps,
                half: half, workspace: placement.scratchpad, parts: threadCount, images: images)
        case .backwardData:
            let toImage = convolution.toImage(
                maps: maps, half: half, weights: weights, bias: imageBias, image: image,
                workspace: placement.scratchpad, parts: threadCount, images: images)
            let (kind, parameter) = fused.activation.kernel
            let count = Int64(images * imageShape.count)
            run =
                fused.activation == .identity
                ? toImage
                : { values in
                    toImage(values)
                    zk_activate(kind, parameter, image, image, false, count)
                }
        case .backwardWeights:
            let toWeights = convolution.toWeights(
                image: image, maps: maps, mask: mask, half: half, weights: weights, bias: mapsBias,
                workspace: placement.scratchpad, parts: threadCount, images: images)
            let (rows, channels) = (Int64(images * imageShape.area), Int64(imageShape.channels))
            run =
                if let imageBias {
                    { values in
                        toWeights(values)
                        zk_column_sums(image, false, rows, channels, imageBias)
                    }
                } else {
                    toWeights
                }
        }
        return CompiledStep(
            path: step.path, operation: step.operation.name, pass: step.pass, implementation: "image kernel",
            flops: 2 * Double(batchSize * program.multiplyAdds(of: step)),
            byteCount: (fused.inputs + fused.outputs).reduce(0) { $0 + byteCount($1) }, run: run)
    }
}

import CKernels
import COneDNN

/// A pass of a convolution from an image of few channels to maps of many, or of a transposed convolution the other way: the
/// first layer of an encoder and the last of a decoder.
///
/// oneDNN is slow at these (the pass to one channel runs at a twentieth of the processor's speed), so kernels of our own do
/// them. Weights lie as kernel height × kernel width × image channels × maps.
struct ImageConvolution {
    private static let mostImageChannels = 4

    let image: TensorID
    let maps: TensorID
    /// The weights or, in the pass for them, their gradient.
    let weights: TensorID
    private let weightShape: Shape
    private var window: zk_window

    /// nil where the step is no convolution or the kernels do not take its shapes.
    init?(_ step: ProgramStep, _ program: Program) {
        let (isTransposed, window): (Bool, Window)
        switch step.operation {
        case .convolution(let value): (isTransposed, window) = (false, value)
        case .transposedConvolution(let value): (isTransposed, window) = (true, value)
        default: return nil
        }
        let (source, destination): (TensorID, TensorID) =
            switch step.pass {
            case .forward: (step.inputs[0], step.outputs[0])
            case .backwardData: (step.outputs[0], step.inputs[0])
            case .backwardWeights: (step.inputs[0], step.inputs[1])
            }
        (image, maps) = isTransposed ? (destination, source) : (source, destination)
        weights = step.pass == .backwardWeights ? step.outputs[0] : step.inputs[1]
        weightShape = program[weights].shape
        let (small, large) = (program[image].shape, program[maps].shape)
        self.window = zk_window(
            channels: Int64(small.channels), input_height: Int64(small.height), input_width: Int64(small.width),
            output_height: Int64(large.height), output_width: Int64(large.width),
            kernel: (Int64(window.kernel.height), Int64(window.kernel.width)),
            stride: (Int64(window.stride.height), Int64(window.stride.width)),
            padding: (Int64(window.padding.height), Int64(window.padding.width)))
        guard small.channels <= Self.mostImageChannels,
            zk_image_convolution_fits(&self.window, Int64(large.channels))
        else { return nil }
    }

    private var channels: Int64 { Int64(weightShape.dimensions[0]) }

    /// Maps × image channels × height × width as the kernels read and write them.
    func weightLayout() throws -> DNNLayout {
        let extents = weightShape.dimensions
        return try DNNLayout(
            extents, strides: [1, extents[0], extents[3] * extents[1] * extents[0], extents[1] * extents[0]])
    }

    /// In how many parts that may run at the same time a batch is done.
    private let parts = Int64(OneDNNEngine.threadCount)

    /// Bytes of workspace.
    var workspaceByteCount: Int {
        var window = window
        return Int(zk_image_convolution_workspace(&window, channels, parts)) * MemoryLayout<Float>.stride
    }

    typealias Memory = UnsafeMutablePointer<Float>

    /// From the image to the maps.
    func toMaps(
        image: Memory, weights: Memory, bias: Memory?, relu: Bool, mask: Memory?, maps: Memory, half: Bool,
        workspace: Memory, images: Int
    ) -> (StepValues) -> Void {
        let (channels, images, parts) = (channels, Int64(images), parts)
        var window = window
        return { _ in
            zk_image_to_maps(
                image, weights, bias, relu, mask, maps, half, workspace, parts, images, channels, &window)
        }
    }

    /// From the maps to the image.
    func toImage(
        maps: Memory, half: Bool, weights: Memory, bias: Memory?, image: Memory, workspace: Memory, images: Int
    ) -> (StepValues) -> Void {
        let (channels, images, parts) = (channels, Int64(images), parts)
        var window = window
        return { _ in
            zk_maps_to_image(maps, half, weights, bias, image, workspace, parts, images, channels, &window)
        }
    }

    /// The gradients of the weights and of a bias that belongs to the maps.
    func toWeights(
        image: Memory, maps: Memory, mask: Memory?, half: Bool, weights: Memory, bias: Memory?, workspace: Memory,
        images: Int
    ) -> (StepValues) -> Void {
        let (channels, images, parts) = (channels, Int64(images), parts)
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
        let (image, maps) = (try at(convolution.image), try at(convolution.maps))
        let weights = try at(convolution.weights)
        let mask = try fused.mask.map(at)
        let half = types.isHalf(convolution.maps)
        let isTransposed = if case .transposedConvolution = step.operation { true } else { false }
        let images = batchSize
        let imageShape = program[convolution.image].shape
        let bias: UnsafeMutablePointer<Float>? =
            switch step.pass {
            case .forward: step.inputs.count > 2 ? try at(step.inputs[2]) : nil
            case .backwardData: nil
            case .backwardWeights: step.outputs.count > 1 ? try at(step.outputs[1]) : nil
            }
        let run: (StepValues) -> Void
        switch (step.pass, isTransposed) {
        case (.forward, false), (.backwardData, true):
            run = convolution.toMaps(
                image: image, weights: weights, bias: bias, relu: fused.activation == .relu, mask: mask, maps: maps,
                half: half,
                workspace: placement.scratchpad, images: images)
        case (.forward, true), (.backwardData, false):
            let toImage = convolution.toImage(
                maps: maps, half: half, weights: weights, bias: bias, image: image,
                workspace: placement.scratchpad, images: images)
            let (kind, parameter) = fused.activation.kernel
            let count = Int64(images * imageShape.count)
            run =
                fused.activation == .identity
                ? toImage
                : { values in
                    toImage(values)
                    zk_activate(kind, parameter, image, image, false, count)
                }
        case (.backwardWeights, _):
            let toWeights = convolution.toWeights(
                image: image, maps: maps, mask: mask, half: half, weights: weights, bias: isTransposed ? nil : bias,
                workspace: placement.scratchpad, images: images)
            let (rows, channels) = (Int64(images * imageShape.area), Int64(imageShape.channels))
            run =
                if isTransposed, let bias {
                    { values in
                        toWeights(values)
                        zk_column_sums(image, false, rows, channels, bias)
                    }
                } else {
                    toWeights
                }
        }
        return CompiledStep(
            path: step.path, operation: step.operation.name, pass: step.pass, implementation: "image kernel",
            flops: 2 * Double(batchSize * program.matrixMultiplyAdds(of: step)),
            byteCount: (fused.inputs + fused.outputs).reduce(0) { $0 + byteCount($1) }, run: run)
    }
}

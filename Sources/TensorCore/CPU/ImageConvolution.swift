import CKernels

/// A pass of a convolution from an image of few channels to maps of many, or of a transposed convolution the other way: the
/// first layer of an encoder and the last of a decoder.
///
/// oneDNN is slow at these (the pass to one channel runs at a twentieth of the processor's speed), so kernels of our own do
/// them. Weights lie as kernel height × kernel width × image channels × maps.
struct ImageConvolution: MatrixKernel {
    private static let mostImageChannels = 4

    /// The image is the wide side, the maps are the narrow side.
    private let shape: ConvolutionShape

    /// nil where the step is no convolution or the kernels do not take its shapes.
    init?(_ step: ProgramStep, _ program: Program) {
        guard var shape = ConvolutionShape(step, program), shape.window.channels <= Self.mostImageChannels,
            zk_image_convolution_fits(&shape.window, shape.maps)
        else { return nil }
        self.shape = shape
    }

    var operands: MatrixOperands { shape.operands }

    var name: String { "image kernel" }

    /// The image.
    var f32Tensor: TensorID? { operands.wide }

    var fusesReLU: Bool { operands.pass == .forward }

    var masksOutput: Bool { operands.pass == .forward }

    /// The maps' bias.
    var sumsBias: Bool { !operands.isTransposed }

    var weightLayout: WeightLayout { .channelsThenMaps }

    func workspaceByteCount(images: Int, parts: Int) -> Int {
        var window = shape.window
        return Int(zk_image_convolution_workspace(&window, shape.maps, Int64(parts))) * MemoryLayout<Float>.stride
    }

    func run(_ t: KernelTensors, relu: Bool) -> (StepValues) -> Void {
        let channels = shape.maps
        let sumsBias = sumsBias
        var window = shape.window
        let (image, maps, isBF16) = (t.wide.memory, t.narrow.memory, t.narrow.isBF16)
        return switch operands.pass {
        case .forward:
            { _ in
                zk_image_to_maps(
                    image, t.weights, t.bias, relu, t.mask, maps, isBF16, t.workspace, t.parts, t.images, channels,
                    &window)
            }
        case .backwardData:
            { _ in
                zk_maps_to_image(
                    maps, isBF16, t.weights, t.bias, image, t.workspace, t.parts, t.images, channels, &window)
            }
        case .backwardWeights:
            { _ in
                zk_image_convolution_weights(
                    image, maps, t.mask, isBF16, t.weights, sumsBias ? t.bias : nil, t.workspace, t.parts, t.images,
                    channels, &window)
            }
        }
    }
}

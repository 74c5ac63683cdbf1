import LayerLibrary
import RealModule
import TensorCore

/// ½ Σ (x − m)²/v + log v with a mean m and a variance v for each pixel (Kingma and Welling 2014, appendix C.2), without the constant
/// ½·D·log 2π. The decoder gives the C maps of the means, then the C maps of log v.
public struct GaussianPixelVariance: PixelDistribution {
    public init() {}

    public var name: String { "gaussian_pixel_variance" }

    public func parameterShape(for image: Shape) -> Shape {
        Shape([2 * image.channels] + image.dimensions.dropFirst())
    }

    public func loss(_ parameters: TensorID, images: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        try builder.custom(GaussianPixelVarianceLoss(), [parameters, images])
    }

    public func mean(_ parameters: TensorID, image: Shape, into builder: inout GraphBuilder) throws -> TensorID {
        try builder.custom(FirstMaps(shape: image), [parameters])
    }

    static let descriptor = DistributionDescriptor(
        name: "gaussian_pixel_variance",
        summary:
            "A Gaussian with a mean and a variance for each pixel, constant dropped; the decoder gives twice as many maps.",
        source: "Kingma and Welling 2014, appendix C.2"
    ) { _ in GaussianPixelVariance() }
}

/// `[2·C, H, W]` and `[C, H, W]` → `[]`.
private struct GaussianPixelVarianceLoss: CustomOperation {
    var name: String { "gaussian_pixel_variance" }
    var formula: String? { "y = ½ Σ (x − m)²/v + log v" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[0].shape.count == 2 * inputs[1].shape.count, inputs[1].rows == .images else {
            throw ZooError("gaussian_pixel_variance: needs two numbers for each of the image", code: .mismatch)
        }
        return TensorType([], inputs[0].rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(1)
        let samples = t.outputRowCount / t.imageCount
        for n in 0..<t.outputRowCount {
            var sum = 0.0
            for p in 0..<size {
                let logVariance = t.inputs[0][(2 * n + 1) * size + p]
                let distance = t.inputs[1][n / samples * size + p] - t.inputs[0][2 * n * size + p]
                sum += Double(distance * distance * .exp(-logVariance) + logVariance)
            }
            t.output[n] = Element(sum / 2)
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let size = t.rowSize(1)
        let samples = t.outputGradient.count / t.imageCount
        for n in t.outputGradient.indices {
            for p in 0..<size {
                let (mean, spread) = (2 * n * size + p, (2 * n + 1) * size + p)
                let precision = Element.exp(-t.inputs[0][spread])
                let distance = t.inputs[1][n / samples * size + p] - t.inputs[0][mean]
                gradient[mean] -= t.outputGradient[n] * distance * precision
                gradient[spread] += t.outputGradient[n] * (1 - distance * distance * precision) / 2
            }
        }
    }
}

/// The first maps of more: what is shown of a distribution's parameters.
struct FirstMaps: CustomOperation {
    let shape: Shape

    var name: String { "first_maps" }
    var definitionName: String { "objective.reconstruction.gaussian_pixel_variance" }
    var formula: String? { "y = the first \(shape.channels) maps of x" }

    func output(_ inputs: [TensorType]) throws -> TensorType { TensorType(shape, inputs[0].rows) }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (size, whole) = (shape.count, t.rowSize(0))
        for n in 0..<t.outputRowCount {
            for p in 0..<size { t.output[n * size + p] = t.inputs[0][n * whole + p] }
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (size, whole) = (shape.count, t.rowSize(0))
        for n in 0..<t.outputRowCount {
            for p in 0..<size { t.inputGradients[0]?[n * whole + p] += t.outputGradient[n * size + p] }
        }
    }
}

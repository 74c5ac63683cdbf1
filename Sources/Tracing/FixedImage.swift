import LayerLibrary
import TensorCore

/// An operation that gives one image whatever comes in. As a model's first layer it lets the reconstruction be compared
/// with another image, the target, which then is what the graph calls its images.
public struct FixedImage: CustomOperation {
    /// In the order C H W.
    public let values: [Double]
    public let shape: Shape

    public let name = "image"

    /// A first layer of an encoder.
    public static func layer(_ values: [Double], shape: Shape) -> NamedLayer {
        NamedLayer(name: "image", layer: Wrapper(operation: FixedImage(values: values, shape: shape)))
    }

    private struct Wrapper: Layer {
        let operation: FixedImage

        let kind = "image"
        let fields: [String: FieldValue] = [:]

        func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
            try builder.custom(operation, [x])
        }
    }

    public func outputShape(_ inputs: [Shape]) throws -> Shape { shape }

    public func forward<Element: BinaryFloatingPoint>(
        inputs: [UnsafeBufferPointer<Element>], output: UnsafeMutableBufferPointer<Element>, imageCount: Int
    ) {
        for index in 0..<imageCount * values.count { output[index] = Element(values[index % values.count]) }
    }

    public func backward<Element: BinaryFloatingPoint>(
        inputs: [UnsafeBufferPointer<Element>], outputGradient: UnsafeBufferPointer<Element>,
        inputGradients: [UnsafeMutableBufferPointer<Element>], imageCount: Int
    ) {
        for gradient in inputGradients { gradient.update(repeating: 0) }
    }
}

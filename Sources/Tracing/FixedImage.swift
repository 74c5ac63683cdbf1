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

    public func output(_ inputs: [TensorType]) throws -> TensorType { TensorType(shape) }

    public func forward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        for index in 0..<tensors.imageCount * values.count {
            tensors.output[index] = Element(values[index % values.count])
        }
    }

    public func backward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {}
}

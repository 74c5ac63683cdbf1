import LayerLibrary
import TensorCore

/// A layer that multiplies each channel by a learned factor (LayerScale: Touvron and others 2021, arXiv:2103.17239).
///
/// Keeps the shape. Parameter: `scale` `[C]`.
struct ChannelScale: Layer {
    /// The first value of every factor.
    var initial: Float

    var kind: String { "channel_scale" }
    var fields: [String: FieldValue] { ["initial": .number(initial.decimal)] }

    func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        let scale = try builder.parameter(
            "scale", shape: [builder.shape(x).channels], initializer: .constant(initial))
        return try builder.custom(ScaleOperation(shape: builder.shape(x)), [x, scale])
    }

    /// What definitions know: the name, its fields, and how to make the layer from them.
    static let descriptor = LayerDescriptor(
        kind: "channel_scale", summary: "Multiplies each channel by a learned factor.", shapeRule: "keeps the shape",
        fields: [
            FieldSchema("initial", .number(-100...100), default: .number(0.1), "The first value of the factors.")
        ],
        shorthand: "initial"
    ) { ChannelScale(initial: $0.number("initial")) }
}

/// y = x·scale, per channel: inputs x `[C, H, W]` or `[D]`, and scale `[C]`.
struct ScaleOperation: CustomOperation {
    /// The shape of one image of x.
    var shape: Shape

    var name: String { "channel_scale" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[0].shape == shape, inputs[1] == TensorType([shape.channels], .one) else {
            throw ZooError("channel_scale: needs x \(shape) and a factor per channel, but gets \(inputs)")
        }
        return inputs[0]
    }

    func forward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        let (x, scale) = (tensors.inputs[0], tensors.inputs[1])
        for element in 0..<tensors.rowCount(0) * shape.count {
            tensors.output[element] = x[element] * scale[channel(of: element)]
        }
    }

    func backward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        let (x, scale) = (tensors.inputs[0], tensors.inputs[1])
        for element in 0..<tensors.rowCount(0) * shape.count {
            let dy = tensors.outputGradient[element]
            tensors.inputGradients[0]?[element] += dy * scale[channel(of: element)]
            tensors.inputGradients[1]?[channel(of: element)] += dy * x[element]
        }
    }

    /// The channel of an element in N C H W order.
    private func channel(of element: Int) -> Int { element / shape.area % shape.channels }
}

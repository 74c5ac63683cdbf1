import LayerLibrary
import TensorCore

/// y = x + p with p a parameter of one image's shape, `[x, p] → [y]`. It makes every case's input depend on a parameter,
/// so that the gradient with respect to the input is computed.
struct AddOffset: CustomOperation {
    var name: String { "add_offset" }

    func output(_ inputs: [TensorType]) throws -> TensorType { inputs[0] }

    func forward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        let (inputs, output, imageCount) = (tensors.inputs, tensors.output, tensors.imageCount)
        let (x, offset) = (inputs[0], inputs[1])
        for i in 0..<imageCount * offset.count { output[i] = x[i] + offset[i % offset.count] }
    }

    func backward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        let (inputs, inputGradients, outputGradient) = (tensors.inputs, tensors.inputGradients, tensors.outputGradient)
        let imageCount = tensors.imageCount
        let count = inputs[1].count
        for i in 0..<imageCount * count {
            inputGradients[0]?[i] = outputGradient[i]
            inputGradients[1]?[i % count] += outputGradient[i]
        }
    }
}

/// y = a·x² + x with one learned a per channel, `[x, a] → [y]`.
struct Parabola: CustomOperation {
    let channels: Int
    let area: Int

    var name: String { "parabola" }

    func output(_ inputs: [TensorType]) throws -> TensorType { inputs[0] }

    func forward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        let (inputs, output, imageCount) = (tensors.inputs, tensors.output, tensors.imageCount)
        let (x, a) = (inputs[0], inputs[1])
        for i in 0..<imageCount * channels * area {
            output[i] = a[i / area % channels] * x[i] * x[i] + x[i]
        }
    }

    func backward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        let (inputs, inputGradients, outputGradient) = (tensors.inputs, tensors.inputGradients, tensors.outputGradient)
        let imageCount = tensors.imageCount
        let (x, a, dy) = (inputs[0], inputs[1], outputGradient)
        for i in 0..<imageCount * channels * area {
            let c = i / area % channels
            inputGradients[0]?[i] = dy[i] * (2 * a[c] * x[i] + 1)
            inputGradients[1]?[c] += dy[i] * x[i] * x[i]
        }
    }
}

/// `Parabola` as a layer. Parameter: `weight` `[C]`.
struct ParabolaLayer: Layer {
    let kind = "parabola"
    let fields: [String: FieldValue] = [:]

    func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        let shape = builder.shape(x)
        let weight = try builder.parameter("weight", shape: [shape.channels], initializer: .constant(0))
        return try builder.custom(Parabola(channels: shape.channels, area: shape.area), [x, weight])
    }
}

/// y = x − x³/8: a plug-in's activation without parameters.
struct CubicActivation: CustomOperation {
    var name: String { "cubic" }

    func output(_ inputs: [TensorType]) throws -> TensorType { inputs[0] }

    func forward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        let (inputs, output) = (tensors.inputs, tensors.output)
        for (i, x) in inputs[0].enumerated() { output[i] = x - x * x * x / 8 }
    }

    func backward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        let (inputs, inputGradients, outputGradient) = (tensors.inputs, tensors.inputGradients, tensors.outputGradient)
        for (i, x) in inputs[0].enumerated() { inputGradients[0]?[i] = outputGradient[i] * (1 - 3 * x * x / 8) }
    }
}

/// ¼·(x̂ − x)⁴: a plug-in's likelihood.
struct QuarticLoss: PixelLoss {
    var name: String { "quartic" }

    func valueAndDerivative<Element: BinaryFloatingPoint>(
        prediction: Element, target: Element
    ) -> (value: Element, derivative: Element) {
        let difference = prediction - target
        let cube = difference * difference * difference
        return (cube * difference / 4, cube)
    }
}

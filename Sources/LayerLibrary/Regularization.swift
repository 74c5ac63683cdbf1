import TensorCore

/// Dropout (Srivastava et al. 2014): in training zeroes elements with probability `rate` and scales the rest by
/// 1/(1 − rate); the identity in evaluation. Keeps the shape.
public struct Dropout: Layer {
    public var rate: Float

    public init(rate: Float) {
        self.rate = rate
    }

    public var kind: String { "dropout" }
    public var fields: [String: FieldValue] { ["rate": .number(rate.decimal)] }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        try builder.dropout(x, rate: rate)
    }
}

/// In training adds noise of this deviation to each element, as the input of a denoising autoencoder has (Vincent et al. 2008); the
/// identity in evaluation. Keeps the shape.
public struct GaussianNoise: Layer {
    public var deviation: Float

    public init(deviation: Float) {
        self.deviation = deviation
    }

    public var kind: String { "gaussian_noise" }
    public var fields: [String: FieldValue] { ["deviation": .number(deviation.decimal)] }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        guard builder.isTraining, deviation > 0 else { return x }
        let rows = builder.program.type(of: x).rows
        guard rows == .images else {
            throw ZooError(
                "\(builder.path) (gaussian_noise): \(rows.mismatchWithImages)", code: .mismatch,
                subject: .layer(builder.path))
        }
        let noise = builder.noise(builder.path + ".noise", shape: builder.shape(x))
        return try builder.custom(AddedNoise(deviation: deviation), [x, noise])
    }
}

/// y = x + σ·ε.
private struct AddedNoise: CustomOperation {
    let deviation: Float

    var name: String { "add_noise" }
    var formula: String? { "y = x1 + \(deviation)·x2" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[0] == inputs[1] else {
            throw ZooError("gaussian_noise: needs one row for each image", code: .mismatch)
        }
        return inputs[0]
    }

    func forward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        let (x, noise) = (tensors.inputs[0], tensors.inputs[1])
        for i in tensors.output.indices { tensors.output[i] = x[i] + Element(deviation) * noise[i] }
    }

    func backward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        for (input, factor) in [(0, 1), (1, Element(deviation))] {
            guard let gradient = tensors.inputGradients[input] else { continue }
            for i in gradient.indices { gradient[i] += factor * tensors.outputGradient[i] }
        }
    }
}

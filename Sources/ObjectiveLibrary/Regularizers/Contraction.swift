import LayerLibrary
import TensorCore

/// λ·‖∂z/∂x‖²_F, the squared norm of the Jacobian of the code with respect to the image: the contractive autoencoder (Rifai and others
/// 2011, equation 7; for one sigmoid layer equation 9).
///
/// The encoder consists of linear layers with element-wise activations, whose weights the term uses once more. One layer costs next to
/// nothing; each further layer costs as many products with its weights as the code has dimensions.
public struct Contraction: Regularizer, Equatable {
    public var weight: Float

    public init(weight: Float) { self.weight = weight }

    public var kind: String { "contraction" }
    public var fields: [String: FieldValue] { ["weight": .number(weight.decimal)] }
    public var formula: String { "\(weight.factor)‖∂z/∂x‖²" }

    /// A linear layer of the encoder and what follows it.
    private struct EncoderLayer {
        var activation: Activation
        /// What the activation gives.
        var output: TensorID
        /// `[outputs, inputs]`.
        var weights: TensorID
    }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let layers = try layers(of: model, builder.program)
        let norm: TensorID
        if let layer = layers.first, layers.count == 1 {
            norm = try builder.custom(JacobianNorm(activation: layer.activation), [layer.output, layer.weights])
        } else {
            let jacobian = try layers.reduce([TensorID]()) { jacobian, layer in
                let product = JacobianProduct(activation: layer.activation)
                return [try builder.custom(product, jacobian + [layer.output, layer.weights])]
            }
            norm = try builder.custom(SquaredNorm(factor: 1), jacobian)
        }
        try builder.term("contraction", norm, weight: .constant(weight))
    }

    /// Those between the image and the code, the last one first.
    private func layers(of model: ModelTensors, _ program: Program) throws -> [EncoderLayer] {
        var layers: [EncoderLayer] = []
        var (place, activation, output) = (model.code, Activation.identity, model.code)
        while place != model.images {
            let step = program.steps.first { $0.outputs.contains(place) }
            switch step?.operation {
            case .activation(let function)? where activation == .identity && JacobianSlope.knows(function):
                (activation, output) = (function, place)
            case .linear?:
                guard let step else { break }
                layers.append(EncoderLayer(activation: activation, output: output, weights: step.inputs[1]))
                (activation, output) = (.identity, step.inputs[0])
            case .reshape? where activation == .identity: output = step?.inputs[0] ?? output
            default: throw refusal(of: step)
            }
            place = step?.inputs[0] ?? model.images
        }
        guard !layers.isEmpty, activation == .identity else { throw refusal(of: nil) }
        return layers
    }

    private func refusal(of step: ProgramStep?) -> ZooError {
        let found = step.map { ", not \($0.operation.name)\($0.path.isEmpty ? "" : " (\($0.path))")" } ?? ""
        return ZooError(
            "objective.contraction: needs a code that linear layers with \(JacobianSlope.names) give\(found)",
            advice: "for instance encoder: [flatten] and latent: {code: {code: {activation: sigmoid}}}",
            code: .mismatch,
            subject: .field("objective.contraction"))
    }

    static let descriptor = RegularizerDescriptor(
        kind: "contraction", summary: "λ·‖∂z/∂x‖²: the Jacobian of an encoder of linear layers.",
        source: "Rifai and others 2011, eq. 7", fields: [CommonFields.weight("λ.")]
    ) { Contraction(weight: $0.number("weight")) }
}

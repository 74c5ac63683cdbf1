import LayerLibrary
import TensorCore

/// A network that tells two kinds of codes apart, with Adam of its own.
public struct Discriminator: Sendable {
    /// Between the code and the logits; at least one.
    public var layers: [NamedLayer]
    public var learningRate: Float
    public var beta1: Float
    public var beta2: Float

    public init(layers: [NamedLayer], learningRate: Float, beta1: Float, beta2: Float) {
        self.layers = layers
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
    }

    var fields: [String: FieldValue] {
        [
            "discriminator": .layers(layers), "learning_rate": .number(learningRate.decimal),
            "beta1": .number(beta1.decimal), "beta2": .number(beta2.decimal),
        ]
    }

    static func schemas(learningRate: Double, beta1: Double, beta2: Double) -> [FieldSchema] {
        [
            FieldSchema(
                "discriminator", .layers,
                "Its layers, from a code to the features that a last linear layer, logits, makes one or two numbers of."
            ),
            FieldSchema(
                "learning_rate", .number(0...1e3, openLower: true), default: .number(learningRate),
                "Of the discriminator's Adam."),
            FieldSchema("beta1", .number(0...1, openUpper: true), default: .number(beta1), "Of its Adam."),
            FieldSchema("beta2", .number(0...1, openUpper: true), default: .number(beta2), "Of its Adam."),
        ]
    }

    init(_ values: FieldValues) {
        self.init(
            layers: values.layers("discriminator"), learningRate: values.number("learning_rate"),
            beta1: values.number("beta1"), beta2: values.number("beta2"))
    }

    /// The logits `[count]` of each of several codes, by the same parameters, at the regulariser's name.
    ///
    /// - Throws: `ZooError` for a network without layers, and where shapes do not fit.
    func logits(
        _ count: Int, of codes: [TensorID], for regularizer: any Regularizer, _ builder: inout GraphBuilder
    ) throws -> [TensorID] {
        guard !layers.isEmpty else {
            throw ZooError(
                "objective.\(regularizer.kind).discriminator: a discriminator needs layers",
                advice: "for instance [{fc1: {linear: 64, activation: leaky_relu}}]", code: .mismatch,
                subject: .field("objective.\(regularizer.kind).discriminator"))
        }
        return try inGroup(of: regularizer, &builder) { builder in
            try builder.scoped(regularizer.kind) { builder in
                try codes.enumerated().map { index, code in
                    index == 0
                        ? try logits(count, of: code, &builder)
                        : try builder.sharing { try logits(count, of: code, &$0) }
                }
            }
        }
    }

    private func logits(_ count: Int, of code: TensorID, _ builder: inout GraphBuilder) throws -> TensorID {
        let features = try layers.lower(code, into: &builder)
        return try NamedLayer.layer("logits", Linear(units: count)).lower(features, into: &builder)
    }

    /// Runs `body` where parameters and terms are the discriminator's.
    func inGroup<Result>(
        of regularizer: any Regularizer, _ builder: inout GraphBuilder, _ body: (inout GraphBuilder) throws -> Result
    ) throws -> Result {
        let adam = UpdateRule(method: .adam(beta1: beta1, beta2: beta2, epsilon: 1e-8, weightDecay: 0))
        return try builder.group(
            regularizer.kind, update: adam, learningRate: .constant(learningRate), body)
    }
}

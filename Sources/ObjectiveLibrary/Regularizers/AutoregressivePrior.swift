import LayerLibrary
import TensorCore

/// A prior over the codes of a codebook that a gated PixelCNN learns beside the model (van den Oord and others 2016, section 2): each code
/// is predicted from those above it and to its left, −Σ log p(i_n | i_1, …, i_{n−1}) of the codes that the encoder gives, in nats.
///
/// The network looks at the codebook's vectors in the places of the codes. Two stacks of gated convolutions of 3 × 3 go through it, of
/// which the vertical one sees the rows above and the horizontal one the row to the left; their masks are shifts and crops. It has an
/// Adam of its own, and nothing of its loss reaches the model.
public struct AutoregressivePrior: Regularizer, Equatable {
    /// Maps of each stack.
    public var filters: Int
    /// Gated convolutions one after another.
    public var blocks: Int
    public var learningRate: Float

    public init(filters: Int = 64, blocks: Int = 4, learningRate: Float = 1e-3) {
        self.filters = filters
        self.blocks = blocks
        self.learningRate = learningRate
    }

    public var kind: String { "autoregressive_prior" }

    public var fields: [String: FieldValue] {
        [
            "filters": .integer(filters), "blocks": .integer(blocks),
            "learning_rate": .number(learningRate.decimal),
        ]
    }

    public var formula: String { "(a prior of the codes by a gated PixelCNN)" }

    public var matchesPrior: Bool { true }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let codes = try model.requireCodes(for: self)
        let count = builder.shape(codes.codebook).dimensions[0]
        guard let logits = try codeLogits(model.code, codes: count, into: &builder) else { return }
        let loss = try builder.custom(CodeCrossEntropy(), [logits, codes.indices])
        try inGroup(&builder) { try $0.term("code_cross_entropy", loss, weight: .constant(1)) }
    }

    private func inGroup<Result>(
        _ builder: inout GraphBuilder, _ body: (inout GraphBuilder) throws -> Result
    ) throws -> Result {
        let adam = UpdateRule(method: .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0))
        return try builder.group(kind, update: adam, learningRate: .constant(learningRate), body)
    }

    public func codeLogits(_ vectors: TensorID, codes: Int, into builder: inout GraphBuilder) throws -> TensorID? {
        try inGroup(&builder) { builder in
            try builder.scoped(kind) { builder in
                let shape = builder.shape(vectors)
                let maps = try builder.reshape(
                    vectors, to: Shape(channels: shape.channels, height: shape.height, width: shape.width))
                var stacks = (vertical: maps, horizontal: maps)
                for index in 0..<blocks {
                    stacks = try builder.scoped("block\(index + 1)") {
                        try block(stacks, isFirst: index == 0, &$0)
                    }
                }
                let features = builder.activation(.relu, stacks.horizontal)
                let hidden = builder.activation(
                    .relu, try convolution("hidden", features, filters: filters, &builder))
                return try convolution("logits", hidden, filters: codes, &builder)
            }
        }
    }

    /// Figure 2 of the paper, but for the gate of the vertical stack, which comes with the next block. The first block sees what lies before a position and not the position itself (mask A).
    private func block(
        _ stacks: (vertical: TensorID, horizontal: TensorID), isFirst: Bool, _ builder: inout GraphBuilder
    ) throws -> (vertical: TensorID, horizontal: TensorID) {
        let reach = isFirst ? 1 : 2
        // A row of padding above: output row r sees rows r − 1 and, but in the first block, r.
        let vertical = try convolution(
            "vertical", isFirst ? stacks.vertical : try builder.gate(stacks.vertical), filters: 2 * filters,
            kernel: Window.Extent(reach, 3),
            padding: Window.Extent(1, 1), &builder)
        let row = try convolution(
            "horizontal", stacks.horizontal, filters: 2 * filters, kernel: Window.Extent(1, reach),
            padding: Window.Extent(0, 1), &builder)
        let above = try convolution("vertical_to_horizontal", vertical, filters: 2 * filters, hasBias: false, &builder)
        let gated = try builder.gate(try builder.add(row, above))
        var horizontal = try convolution("output", gated, filters: filters, &builder)
        if !isFirst { horizontal = try builder.add(horizontal, stacks.horizontal) }
        return (vertical, horizontal)
    }

    /// A convolution whose output has the extent of its input, what goes beyond it on the right and below being cropped.
    private func convolution(
        _ name: String, _ x: TensorID, filters: Int, kernel: Window.Extent = Window.Extent(1),
        padding: Window.Extent = Window.Extent(0), hasBias: Bool = true, _ builder: inout GraphBuilder
    ) throws -> TensorID {
        let shape = builder.shape(x)
        let layer = NamedLayer(
            name: name,
            layer: Convolution2D(
                filters: filters, window: Window(kernel: kernel, padding: padding),
                settings: WeightSettings(hasBias: hasBias)))
        return try builder.crop(try layer.lower(x, into: &builder), height: shape.height, width: shape.width)
    }

    static let descriptor = RegularizerDescriptor(
        kind: "autoregressive_prior", needsCodebook: true,
        summary: "A prior of the codes, which a gated PixelCNN learns beside the model.",
        source: "van den Oord and others 2016, section 2; 2017, section 3.3",
        fields: [
            FieldSchema("filters", .integer(1...4096), default: .integer(64), "Maps of each of the two stacks."),
            FieldSchema("blocks", .integer(1...64), default: .integer(4), "Gated convolutions one after another."),
            FieldSchema(
                "learning_rate", .number(0...1e3, openLower: true), default: .number(1e-3), "Of the prior's Adam."),
        ]
    ) {
        AutoregressivePrior(
            filters: $0.integer("filters"), blocks: $0.integer("blocks"), learningRate: $0.number("learning_rate"))
    }
}

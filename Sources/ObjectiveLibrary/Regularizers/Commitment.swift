import LayerLibrary
import TensorCore

/// β·‖z − sg(e)‖²: the encoder's vectors stay near those of the codebook that replace them (van den Oord and others 2017, equation 3, third
/// term), summed over the positions of a code.
public struct Commitment: Regularizer, Equatable {
    public var weight: Float

    public init(weight: Float) { self.weight = weight }

    public var kind: String { "commitment" }
    public var fields: [String: FieldValue] { ["weight": .number(weight.decimal)] }
    public var formula: String { "\(weight.factor)‖z − sg(e)‖²" }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let codes = try model.requireCodes(for: self)
        let distance = try builder.custom(CommitmentDistance(), [codes.encoded, model.code])
        try builder.term("commitment", distance, weight: .constant(weight))
    }

    static let descriptor = RegularizerDescriptor(
        kind: "commitment", needsCodebook: true, summary: "β·‖z − sg(e)‖², of a codebook.",
        source: "van den Oord and others 2017, eq. 3", fields: [CommonFields.weight("β.")]
    ) { Commitment(weight: $0.number("weight")) }
}

/// λ·‖sg(z) − e‖²: the codebook learns by gradient instead of following moving averages (van den Oord and others 2017, equation 3, second
/// term).
public struct CodebookLoss: Regularizer, Equatable {
    public var weight: Float

    public init(weight: Float) { self.weight = weight }

    public var kind: String { "codebook_loss" }
    public var fields: [String: FieldValue] { ["weight": .number(weight.decimal)] }
    public var formula: String { "\(weight.factor)‖sg(z) − e‖²" }
    public var learnsCodebook: Bool { true }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let codes = try model.requireCodes(for: self)
        let distance = try builder.custom(CodebookDistance(), [codes.encoded, codes.indices, codes.codebook])
        try builder.term("codebook_loss", distance, weight: .constant(weight))
    }

    static let descriptor = RegularizerDescriptor(
        kind: "codebook_loss", needsCodebook: true,
        summary: "λ·‖sg(z) − e‖², by which a codebook learns in place of moving averages.",
        source: "van den Oord and others 2017, eq. 3", fields: [CommonFields.weight("λ: 1 in the paper.")]
    ) { CodebookLoss(weight: $0.number("weight")) }
}

import LayerLibrary
import TensorCore

/// γ·|KL̄ − C| with KL̄ the mean over the batch and C going linearly from `start` to `end` (Burgess and others 2018, equation 8).
public struct Capacity: Regularizer, Equatable {
    /// γ.
    public var weight: Float
    /// Nats.
    public var start: Float
    public var end: Float
    /// Training steps from `start` to `end`.
    public var steps: Int

    public init(weight: Float, from start: Float, to end: Float, over steps: Int) {
        self.weight = weight
        self.start = start
        self.end = end
        self.steps = steps
    }

    public var kind: String { "capacity" }

    public var fields: [String: FieldValue] {
        [
            "weight": .number(weight.decimal), "start": .number(start.decimal), "end": .number(end.decimal),
            "steps": .integer(steps),
        ]
    }

    public var formula: String { "\(weight.plain)·|KL − C|, C from \(start.plain) to \(end.plain)" }

    public var letter: (symbol: String, value: Float)? { ("γ", weight) }

    public var matchesPrior: Bool { true }

    public var dependsOnBatch: Bool { true }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let posterior = try model.requirePosterior(for: self)
        let capacity = try builder.schedule(LinearSchedule(from: start, to: end, over: steps), named: "kl_capacity")
        let mean = try builder.custom(BatchMean(), [posterior.kl])
        let distance = try builder.custom(AbsoluteDistance(from: .scheduled(capacity)), [mean])
        let final = try builder.custom(AbsoluteDistance(from: .constant(end)), [mean])
        try builder.term(
            "kl_beyond_capacity", distance, finalValue: final, weight: .constant(weight), weightName: "kl_weight",
            isMetric: false)
    }

    static let descriptor = RegularizerDescriptor(
        kind: "capacity", needsPosterior: true, isDivergence: true, summary: "γ·|KL − C|.",
        source: "Burgess and others 2018, eq. 8",
        fields: [
            FieldSchema("weight", .number(0...1e9), "γ of γ·|KL − C|."),
            FieldSchema("start", .number(0...1e6), default: .number(0), "C at first, in nats."),
            FieldSchema("end", .number(0...1e6), "C at the end, in nats."),
            FieldSchema("steps", .integer(0...1_000_000_000), "Steps over which C goes linearly from start to end."),
        ]
    ) {
        Capacity(
            weight: $0.number("weight"), from: $0.number("start"), to: $0.number("end"), over: $0.integer("steps"))
    }
}

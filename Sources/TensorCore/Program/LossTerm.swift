/// A number that changes with the training step: from `start` in a straight line to `end`, which it has after `steps` steps.
public struct LinearSchedule: Hashable, Sendable {
    public var start: Float
    public var end: Float
    public var steps: Int

    public init(from start: Float, to end: Float, over steps: Int) {
        self.start = start
        self.end = end
        self.steps = steps
    }

    /// The same in every step.
    public static func constant(_ value: Float) -> LinearSchedule { LinearSchedule(from: value, to: value, over: 0) }

    /// - Parameter step: from 0.
    public func value(step: Int) -> Float {
        start + (end - start) * (steps > 0 ? min(1, Float(step) / Float(steps)) : 1)
    }
}

/// The place of a `LinearSchedule` in a program, and of its number in `StepValues`.
public struct ScheduleSlot: Hashable, Sendable {
    public let index: Int
}

/// An input of standard normal noise.
public struct NoiseInput: Sendable {
    public var tensor: TensorID
    /// Which elements of a random stream it gets: those of number k begin at k·2⁴⁸. 0 is the noise of the posterior.
    public var number: Int
}

/// A scalar that a loss is made of: the loss is the sum of the terms, each with its weight.
public struct LossTerm: Sendable {
    /// In snake case, for instance `total_correlation`.
    public var name: String
    /// Of shape `[]`: one for each image, of which the mean counts, or one for the whole batch. Usually nats.
    public var value: TensorID
    /// The same with all schedules at their end, where the term itself contains one; nil where it does not.
    public var finalValue: TensorID?
    public var weight: ScheduleSlot
}

/// A number that is reported of each batch: a term of a loss without its weight, or what else says something.
public struct Metric: Sendable {
    /// In snake case.
    public var name: String
    /// Of shape `[]`, in nats: one for each image, of which the mean counts, or one for the whole batch.
    public var value: TensorID
}

/// Parameters that learn together: from the sum of the same terms, by the same rule.
///
/// A model has one group, and another for each network that learns beside it from a loss of its own, like a discriminator. All
/// gradients of a run are computed before anything is updated.
public struct ParameterGroup: Sendable {
    public var name: String
    public internal(set) var parameters: [TensorID] = []
    public internal(set) var terms: [LossTerm] = []
    /// nil where the program does not learn.
    public var update: UpdateRule?
    /// nil for the learning rate of the run.
    public internal(set) var learningRate: ScheduleSlot?
}

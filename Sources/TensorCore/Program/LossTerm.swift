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

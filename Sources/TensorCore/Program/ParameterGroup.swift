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

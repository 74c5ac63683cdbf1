/// The training images whose labels a model that knows the class of few is told.
public struct LabelledImages: Sendable, Equatable {
    /// As many of each class.
    public var count: Int
    /// How many of them are in each batch; 0 for those that chance gives it.
    public var perBatch: Int

    public init(count: Int, perBatch: Int = 0) {
        self.count = count
        self.perBatch = perBatch
    }
}

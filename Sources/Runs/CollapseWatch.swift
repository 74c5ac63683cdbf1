/// Notices latent dimensions that the decoder has come to ignore, once that can be known.
///
/// A VAE often begins with dimensions that carry nothing yet, and while β rises nothing is settled: what counts is what two
/// epochs in succession have found with the full weight of the KL divergence, after steps enough for a code to form: epochs of a
/// small data set are but a few.
public struct CollapseWatch {
    /// Before so many steps nothing is known.
    static let leastSteps = 1_000

    public let latentSize: Int
    private var previous: Int?
    /// The most dimensions that were ever active.
    private var most = 0
    private var hasWarned = false

    public init(latentSize: Int) {
        self.latentSize = latentSize
    }

    /// Takes what an epoch has found.
    ///
    /// - Parameters:
    ///   - isSettled: whether the weight of the KL divergence has its final value.
    ///   - step: the last step of the epoch.
    /// - Returns: the warning that is due, once in a run.
    public mutating func warning(activeCount: Int, isSettled: Bool, step: Int) -> String? {
        guard isSettled, step >= Self.leastSteps else { return nil }
        defer { previous = activeCount }
        most = max(most, activeCount)
        guard !hasWarned, let previous else { return nil }
        if activeCount == 0, previous == 0 {
            hasWarned = true
            return "all \(latentSize) latent dimensions have collapsed: the decoder ignores them "
                + "(less KL weight, a warm-up or free_nats may help)"
        }
        if activeCount * 2 <= most, previous * 2 <= most {
            hasWarned = true
            return
                "latent dimensions have collapsed: \(activeCount) of \(latentSize) are active, once there were \(most)"
        }
        return nil
    }
}

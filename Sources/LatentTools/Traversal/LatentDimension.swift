import TensorCore

/// The dimensions z0 … z(D − 1) of a latent space, as users name them.
public enum LatentDimension {
    /// - Throws: `ZooError` of kind `usage` if there is no such dimension.
    public static func check(_ dimension: Int, size: Int) throws {
        guard (0..<size).contains(dimension) else {
            let all = size == 1 ? "only z0" : "z0 to z\(size - 1)"
            throw ZooError("there is no dimension z\(dimension): the latent space has \(all)", kind: .usage)
        }
    }
}

/// Which dimensions of a latent space are meant.
public enum DimensionChoice: Sendable, Equatable {
    case all
    /// Those whose mean varies (`LatentStatistics.active`).
    case active
    /// These, by number.
    case listed([Int])

    /// The dimensions, those that carry most first; where nothing is known of them, in their order.
    ///
    /// - Parameter size: of the latent space.
    /// - Returns: all where active ones are wanted and none is, which `isFallback` says.
    public func dimensions(
        by statistics: LatentStatistics?, size: Int
    ) -> (dimensions: [Int], isFallback: Bool) {
        let order = statistics?.dimensionsByInformation
        switch (self, order, statistics) {
        case (.listed(let listed), let order?, _): return (order.filter(listed.contains), false)
        case (.listed(let listed), nil, _): return (listed, false)
        case (.active, let order?, let statistics?):
            let active = order.filter { statistics.active[$0] }
            return active.isEmpty ? (order, true) : (active, false)
        default: return (order ?? Array(0..<size), false)
        }
    }
}

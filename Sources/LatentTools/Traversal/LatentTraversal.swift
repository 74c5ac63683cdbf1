import TensorCore

/// Latent vectors that leave a start along one dimension at a time.
public struct LatentTraversal: Sendable, Equatable {
    /// One dimension with the values it takes.
    public struct Row: Sendable, Equatable {
        public let dimension: Int
        /// Ascending.
        public let values: [Double]
    }

    /// Where all rows start, `[D]`.
    public let start: [Float]
    public let rows: [Row]

    /// - Parameters:
    ///   - dimensions: the rows, in order.
    ///   - spacing: the values of a dimension.
    /// - Throws: `ZooError` of kind `usage` for a dimension that does not exist, or a number of steps not from 2 to 200.
    public init(
        start: [Float], dimensions: [Int], steps: Int, spacing: (_ dimension: Int) -> ValueSpacing
    ) throws {
        guard (2...200).contains(steps) else {
            throw ZooError("a traversal has from 2 to 200 steps, not \(steps)", kind: .usage)
        }
        for dimension in dimensions { try LatentDimension.check(dimension, size: start.count) }
        self.start = start
        rows = dimensions.map { Row(dimension: $0, values: spacing($0).values(count: steps)) }
    }

    /// The start with one dimension replaced.
    public func latent(_ dimension: Int, _ value: Double) -> [Float] {
        var latent = start
        latent[dimension] = Float(value)
        return latent
    }

    /// The latent vectors of a row, one for each value.
    public func latents(of row: Row) -> [[Float]] { row.values.map { latent(row.dimension, $0) } }
}

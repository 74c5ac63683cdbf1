import TensorCore

/// A grid of latent vectors over two dimensions, the others held fixed: what a manifold picture decodes.
public struct LatentGrid: Sendable, Equatable {
    /// The dimension that grows to the right.
    public let horizontal: Int
    /// The dimension that grows upwards.
    public let vertical: Int
    /// Values of both dimensions, ascending.
    public let values: [Double]
    /// The vector whose two dimensions are replaced, `[D]`.
    public let base: [Float]

    /// - Throws: `ZooError` of kind `usage` for a dimension that does not exist or is given twice, or a size that is not
    ///   from 1 to 200.
    public init(
        dimensions: (horizontal: Int, vertical: Int), size: Int, spacing: ValueSpacing, base: [Float]
    ) throws {
        for dimension in [dimensions.horizontal, dimensions.vertical] {
            try LatentDimension.check(dimension, size: base.count)
        }
        guard dimensions.horizontal != dimensions.vertical else {
            throw ZooError(
                "a manifold needs two different dimensions, but z\(dimensions.horizontal) was given twice", kind: .usage
            )
        }
        guard (1...200).contains(size) else {
            throw ZooError("a manifold has from 1 to 200 images a side, not \(size)", kind: .usage)
        }
        horizontal = dimensions.horizontal
        vertical = dimensions.vertical
        values = spacing.values(count: size)
        self.base = base
    }

    /// Images a side.
    public var size: Int { values.count }

    /// The latent vectors row by row, the highest value of the vertical dimension in the first row, as axes are drawn.
    public var latents: [[Float]] {
        values.reversed().flatMap { y in
            values.map { x in
                var latent = base
                latent[horizontal] = Float(x)
                latent[vertical] = Float(y)
                return latent
            }
        }
    }
}

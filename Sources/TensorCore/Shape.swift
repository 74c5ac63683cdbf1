/// The shape of one image's worth of a tensor: `[D]` for a vector, `[C, H, W]` for feature maps, `[]` for a scalar.
///
/// The batch axis N is never part of a `Shape`; a tensor says by itself whether it has one.
public struct Shape: Hashable, Sendable, CustomStringConvertible, ExpressibleByArrayLiteral {
    /// Extents, outermost first. All positive.
    public let dimensions: [Int]

    /// - Precondition: every extent is positive.
    public init(_ dimensions: [Int]) {
        precondition(dimensions.allSatisfy { $0 > 0 }, "a shape has positive extents, not \(dimensions)")
        self.dimensions = dimensions
    }

    public init(arrayLiteral elements: Int...) {
        self.init(elements)
    }

    /// `[C, H, W]`.
    public init(channels: Int, height: Int, width: Int) {
        self.init([channels, height, width])
    }

    /// Number of elements.
    public var count: Int { dimensions.reduce(1, *) }

    /// Number of elements, or nil if there are more than `limit`: for shapes that come from outside.
    public func count(atMost limit: Int) -> Int? {
        var count = 1
        for extent in dimensions {
            let (product, overflows) = count.multipliedReportingOverflow(by: extent)
            guard !overflows, product <= limit else { return nil }
            count = product
        }
        return count
    }

    /// Number of axes: 0, 1 or 3 for what flows through a network; parameters may have 2 or 4.
    public var rank: Int { dimensions.count }

    /// C of `[C, H, W]`, D of `[D]`, 1 for a scalar.
    public var channels: Int { dimensions.first ?? 1 }

    /// H of `[C, H, W]`, 1 for a vector.
    public var height: Int { rank == 3 ? dimensions[1] : 1 }

    /// W of `[C, H, W]`, 1 for a vector.
    public var width: Int { rank == 3 ? dimensions[2] : 1 }

    /// Number of positions per channel, H·W.
    public var area: Int { height * width }

    public var description: String {
        "[" + dimensions.map(String.init).joined(separator: ", ") + "]"
    }
}

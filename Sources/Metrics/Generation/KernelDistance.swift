import TensorCore

/// The squared maximum mean discrepancy of two sets of features with the kernel (x·y / D + 1)³, without bias (Bińkowski and others
/// 2018, section 3). Over the features of the Inception network it is called KID; over others it is not.
public struct KernelDistance: Sendable {
    /// Rows of each set in a subset.
    public var subsetSize = 1_000
    public var subsets = 100

    public init() {}

    /// One estimate for each of `subsets` random subsets. It may be negative, as estimates without bias are.
    ///
    /// - Throws: `ZooError` (wrong usage) for fewer rows than a subset has, or features of different sizes.
    public func estimates(_ a: Codes, _ b: Codes, _ random: inout RandomNumbers) throws -> [Double] {
        try requireComparable(a, b, atLeast: subsetSize)
        let rows = (Array(0..<a.count), Array(0..<b.count))
        return (0..<subsets).map { _ in
            let first = a.rows(random.sample(rows.0, count: subsetSize))
            let second = b.rows(random.sample(rows.1, count: subsetSize))
            return Self.discrepancy(first, second)
        }
    }

    /// Of all rows.
    ///
    /// - Precondition: both have the same size and at least two rows.
    public static func discrepancy(_ a: Codes, _ b: Codes) -> Double {
        func mean(_ a: Codes, _ b: Codes, withoutDiagonal: Bool) -> Double {
            let products = matrixProduct(
                a.values.map(Double.init), b.values.map(Double.init), rows: a.count, inner: a.size, columns: b.count,
                transposingSecond: true)
            var sum = 0.0
            for (place, product) in products.enumerated()
            where !withoutDiagonal || place / b.count != place % b.count {
                let base = product / Double(a.size) + 1
                sum += base * base * base
            }
            return sum / Double(a.count * (withoutDiagonal ? a.count - 1 : b.count))
        }
        return mean(a, a, withoutDiagonal: true) + mean(b, b, withoutDiagonal: true)
            - 2 * mean(a, b, withoutDiagonal: false)
    }
}

extension Codes {
    /// These rows, in this order.
    func rows(_ rows: [Int]) -> Codes { Codes(values: rows.flatMap { self[$0] }, size: size) }
}

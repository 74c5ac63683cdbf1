/// How far two tensors of one shape are apart.
public struct TensorDifference: Sendable, Equatable {
    /// Whether all values have the same bits.
    public let isIdentical: Bool
    /// ‖a − b‖, the root of the sum of squares.
    public let norm: Double
    /// ‖a − b‖ / ‖a‖; nil where a is zero.
    public let relative: Double?
    /// Cosine of the angle between them; nil where one is zero.
    public let cosine: Double?
    /// Largest |a − b|.
    public let largest: Double

    /// - Precondition: `a` and `b` have as many values.
    public init(_ a: [Float], _ b: [Float]) {
        precondition(a.count == b.count, "\(a.count) and \(b.count) values")
        var isIdentical = true
        var (squares, squaresA, squaresB, products, largest) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for (first, second) in zip(a, b) {
            guard first.bitPattern != second.bitPattern else {
                let value = Double(first)
                squaresA += value * value
                squaresB += value * value
                products += value * value
                continue
            }
            isIdentical = false
            let (x, y) = (Double(first), Double(second))
            let difference = x - y
            squares += difference * difference
            squaresA += x * x
            squaresB += y * y
            products += x * y
            // max() would drop NaN.
            if !(abs(difference) <= largest) { largest = abs(difference) }
        }
        self.isIdentical = isIdentical
        self.largest = largest
        norm = squares.squareRoot()
        relative = squaresA > 0 ? norm / squaresA.squareRoot() : nil
        let scale = squaresA.squareRoot() * squaresB.squareRoot()
        cosine = scale > 0 ? min(1, max(-1, products / scale)) : nil
    }
}

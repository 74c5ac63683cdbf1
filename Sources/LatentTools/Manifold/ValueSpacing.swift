/// Where values along one latent dimension are taken.
public enum ValueSpacing: Sendable, Equatable {
    /// Evenly from the lower to the upper bound, both included.
    case even(ClosedRange<Double>)
    /// At the Gaussian quantiles Φ⁻¹((k + ½)/n): every value stands for an equal share of the prior's mass (Kingma and
    /// Welling 2013, appendix A).
    case quantiles

    /// `count` values in ascending order. Quantiles are symmetric; the middle one of an odd
    /// number is exactly 0, or the middle of the range.
    /// - Precondition: `count` is at least 1.
    public func values(count: Int) -> [Double] {
        precondition(count >= 1, "\(count) values")
        switch self {
        case .even(let range):
            if count == 1 { return [(range.lowerBound + range.upperBound) / 2] }
            return (0..<count).map { index in
                (range.lowerBound * Double(count - 1 - index) + range.upperBound * Double(index)) / Double(count - 1)
            }
        case .quantiles:
            let lower = (0..<count / 2).map { StandardNormal.quantile(Double(2 * $0 + 1) / Double(2 * count)) }
            return lower + (count % 2 == 1 ? [0] : []) + lower.reversed().map { -$0 }
        }
    }
}

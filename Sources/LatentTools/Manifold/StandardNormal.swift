import Glibc

/// The standard normal distribution N(0, 1).
public enum StandardNormal {
    /// Φ(x): the probability of a value of at most `x`.
    public static func cumulative(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

    /// The density at `x`.
    public static func density(_ x: Double) -> Double { exp(-x * x / 2) / (2 * Double.pi).squareRoot() }

    /// Φ⁻¹(p): the value that is not exceeded with probability `p`; −∞ for 0, ∞ for 1.
    ///
    /// Newton's method from 0 on the lower half, where Φ is convex, so that it comes down to the root without overshooting.
    /// - Precondition: `p` is from 0 to 1.
    public static func quantile(_ p: Double) -> Double {
        precondition((0...1).contains(p), "a probability of \(p)")
        if p > 0.5 { return -quantile(1 - p) }
        guard p > 0 else { return -.infinity }
        var x = 0.0
        for _ in 0..<1000 {
            let next = x - (cumulative(x) - p) / density(x)
            guard next < x - 1e-15 * abs(x) else { break }
            x = next
        }
        return x
    }
}

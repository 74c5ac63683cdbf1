import TensorCore

/// The Fréchet distance of two sets of features, taken as Gaussians: |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½) (Dowson and Landau 1982).
///
/// Over the features of the Inception network it is called FID (Heusel and others 2017); over others it is not.
public enum FrechetDistance {
    /// - Throws: `ZooError` (wrong usage) for fewer than two rows, or features of different sizes.
    public static func between(_ a: Codes, _ b: Codes) throws -> Double {
        try requireComparable(a, b, atLeast: 2)
        let (first, second) = (a.moments(), b.moments())
        let shift = zip(first.mean, second.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        // The eigenvalues of Σ₁Σ₂ are those of Σ₁^½ Σ₂ Σ₁^½, which is symmetric.
        let roots = try first.covariance.squareRoot().sandwich(second.covariance).eigen().values
        let trace = roots.reduce(0) { $0 + max(0, $1).squareRoot() }
        return max(0, shift + first.covariance.trace + second.covariance.trace - 2 * trace)
    }
}

/// - Throws: `ZooError` (wrong usage) for fewer rows than needed, or features of different sizes.
func requireComparable(_ a: Codes, _ b: Codes, atLeast least: Int) throws {
    guard a.size == b.size else {
        throw ZooError(
            "features of \(a.size) and of \(b.size) numbers cannot be compared", kind: .usage, code: .mismatch)
    }
    guard min(a.count, b.count) >= least else {
        throw ZooError(
            "\(min(a.count, b.count)) images are too few to compare: at least \(least) of each kind are needed",
            kind: .usage)
    }
}

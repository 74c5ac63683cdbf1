import Glibc

/// Entropies and mutual information of things that have been counted, in nats.
///
/// These are plug-in estimates: the frequencies stand for the probabilities. Between independent things the mutual
/// information of N images is then not 0 but about (B − 1)(K − 1) / 2N for B bins and K positions (Miller 1955), with 20
/// bins, 10 labels and 10,000 images 0.009 nats.
public enum MutualInformation {
    /// How many bins a dimension is cut into, as Locatello et al. 2019 do for the mutual information gap.
    public static let binCount = 20

    /// The bin of each value when their range is cut into `count` bins of one width; the largest value is in the last. Values
    /// that are not finite are in a bin of their own behind the others.
    public static func bins(_ values: [Float], count: Int = binCount) -> [Int] {
        let finite = values.lazy.filter(\.isFinite).map(Double.init)
        guard count > 0, let low = finite.min(), let high = finite.max(), high > low else {
            return values.map { $0.isFinite ? 0 : count }
        }
        let scale = Double(count) / (high - low)
        return values.map { value in
            guard value.isFinite else { return count }
            return min(count - 1, max(0, Int((Double(value) - low) * scale)))
        }
    }

    /// H(a) = −Σ p log p.
    public static func entropy(_ a: [Int]) -> Double {
        var counts: [Int: Int] = [:]
        for value in a { counts[value, default: 0] += 1 }
        // A sum in a fixed order gives the same bits every time.
        return entropy(ofCounts: counts.values.sorted(), total: a.count)
    }

    /// I(a; b) = H(a) + H(b) − H(a, b), at least 0, of two things counted on the same images.
    ///
    /// - Precondition: `a` and `b` have as many elements.
    public static func between(_ a: [Int], _ b: [Int]) -> Double {
        precondition(a.count == b.count, "\(a.count) and \(b.count) observations")
        struct Pair: Hashable {
            var a: Int
            var b: Int
        }
        var counts: [Pair: Int] = [:]
        for (a, b) in zip(a, b) { counts[Pair(a: a, b: b), default: 0] += 1 }
        return max(0, entropy(a) + entropy(b) - entropy(ofCounts: counts.values.sorted(), total: a.count))
    }

    private static func entropy(ofCounts counts: [Int], total: Int) -> Double {
        guard total > 0 else { return 0 }
        let n = Double(total)
        return max(0, log(n) - counts.reduce(0) { $0 + Double($1) * log(Double($1)) } / n)
    }
}

import LatentTools

/// How a latent dimension goes with an attribute.
public enum AttributeCorrelation {
    /// Spearman's correlation with the positions of a factor that has an order.
    public static func ranked(_ values: [Float], _ factor: KnownFactor) -> Double {
        RankStatistics.rankCorrelation(values.map(Double.init), factor.positions.map(Double.init))
    }

    /// The correlation ratio η (Pearson 1905) with the positions of a factor that has none: the root of the share of the variance that
    /// lies between positions. 0 to 1; 0 for a dimension that does not vary.
    public static func ratio(_ values: [Float], _ factor: KnownFactor) -> Double {
        var sums = [Double](repeating: 0, count: factor.count)
        var counts = sums
        for (value, position) in zip(values, factor.positions) {
            sums[position] += Double(value)
            counts[position] += 1
        }
        let mean = sums.reduce(0, +) / Double(max(1, values.count))
        let whole = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        let between = zip(sums, counts).reduce(0.0) { sum, entry in
            let (total, count) = entry
            return count > 0 ? sum + count * (total / count - mean) * (total / count - mean) : sum
        }
        return whole > 0 ? (between / whole).squareRoot() : 0
    }
}

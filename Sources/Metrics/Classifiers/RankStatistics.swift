/// Statistics of the order of numbers.
public enum RankStatistics {
    /// The rank of each number from 1, equal numbers with the mean of their ranks.
    public static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            for place in start..<end { ranks[order[place]] = Double(start + end + 1) / 2 }
            start = end
        }
        return ranks
    }

    /// The area under the receiver operating characteristic: the probability that a positive has a higher score than a negative,
    /// equal scores counting half (Mann and Whitney 1947).
    ///
    /// - Returns: nil where there are no positives or no negatives.
    public static func areaUnderCurve(scores: [Double], isPositive: [Bool]) -> Double? {
        precondition(scores.count == isPositive.count, "\(scores.count) scores and \(isPositive.count) labels")
        let positives = isPositive.count { $0 }
        let negatives = isPositive.count - positives
        guard positives > 0, negatives > 0 else { return nil }
        let sum = zip(ranks(scores), isPositive).reduce(0) { $1.1 ? $0 + $1.0 : $0 }
        return (sum - Double(positives) * Double(positives + 1) / 2) / (Double(positives) * Double(negatives))
    }

    /// Pearson's correlation; 0 where one of them does not vary.
    public static func correlation(_ a: [Double], _ b: [Double]) -> Double {
        precondition(a.count == b.count, "\(a.count) and \(b.count) numbers")
        let count = Double(max(1, a.count))
        let (meanOfA, meanOfB) = (a.reduce(0, +) / count, b.reduce(0, +) / count)
        var (ab, aa, bb) = (0.0, 0.0, 0.0)
        for (a, b) in zip(a, b) {
            ab += (a - meanOfA) * (b - meanOfB)
            aa += (a - meanOfA) * (a - meanOfA)
            bb += (b - meanOfB) * (b - meanOfB)
        }
        return aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : 0
    }

    /// Spearman's correlation: Pearson's of the ranks.
    public static func rankCorrelation(_ a: [Double], _ b: [Double]) -> Double { correlation(ranks(a), ranks(b)) }
}

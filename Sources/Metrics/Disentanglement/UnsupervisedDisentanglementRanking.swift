import LatentTools
import TensorCore

/// UDR: how far models that differ by their seed agree on what their dimensions mean, up to order and sign, without knowing any factor
/// (Duan and others 2020, section 4, with Spearman's correlation, UDR_S).
///
/// For each pair of models, the absolute rank correlation of every informative dimension of the one with every one of the other;
/// dimensions are informative where their KL divergence is above 0.01 nats. A model's score is the median over its pairs. 1 is the best.
public enum UnsupervisedDisentanglementRanking {
    /// Codes of the same images by one model.
    public struct Model: Sendable {
        public let codes: Codes
        /// Nats of each dimension, `[D]`.
        public let kl: [Double]

        public init(codes: Codes, kl: [Double]) {
            precondition(kl.count == codes.size, "\(kl.count) divergences for \(codes.size) dimensions")
            self.codes = codes
            self.kl = kl
        }
    }

    /// The nats above which a dimension is informative.
    public static let informative = 0.01

    /// The score of each model.
    ///
    /// - Throws: `ZooError` (wrong usage) for fewer than two models, or codes of different images.
    public static func scores(_ models: [Model]) throws -> [Double] {
        guard models.count > 1 else {
            throw ZooError(
                "UDR compares models: at least two of one setting with different seeds are needed", kind: .usage)
        }
        guard Set(models.map(\.codes.count)).count == 1 else {
            throw ZooError("UDR compares codes of the same images", kind: .usage)
        }
        let ranks = models.map { model in
            (0..<model.codes.size).filter { model.kl[$0] > informative }.map {
                RankStatistics.ranks(model.codes.column($0).map(Double.init))
            }
        }
        let pairs = (0..<models.count).flatMap { a in (a + 1..<models.count).map { (a, $0) } }
        let values = try pairs.indices.concurrentMap { index in
            let (a, b) = pairs[index]
            return score(ranks[a].map { row in ranks[b].map { abs(RankStatistics.correlation(row, $0)) } })
        }
        return models.indices.map { model in
            median(zip(pairs, values).filter { $0.0.0 == model || $0.0.1 == model }.map(\.1))
        }
    }

    /// Of a table of correlations: the mean over rows and columns of max² / sum.
    static func score(_ table: [[Double]]) -> Double {
        guard let width = table.first?.count, width > 0 else { return 0 }
        func mean(_ lines: [[Double]]) -> Double {
            lines.reduce(0) { sum, line in
                let total = line.reduce(0, +)
                let largest = line.max() ?? 0
                return total > 0 ? sum + largest * largest / total : sum
            } / Double(lines.count)
        }
        return (mean(table) + mean((0..<width).map { column in table.map { $0[column] } })) / 2
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}

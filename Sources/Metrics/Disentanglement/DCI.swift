import Glibc
import LatentTools
import TensorCore

/// Disentanglement, completeness and informativeness of codes (Eastwood and Williams 2018, section 2; protocol of Locatello and others
/// 2019, appendix C: gradient-boosted trees predict each factor from all dimensions).
///
/// From the importance of each dimension for each factor: disentanglement is how far a dimension matters for one factor only,
/// completeness how far one dimension alone matters for a factor, informativeness how well the factors are predicted. Each is at best 1.
public struct DCI: Sendable {
    public var trainingSamples = 10_000
    public var testSamples = 5_000
    /// Rounds of boosting.
    public var rounds = 100

    public init() {}

    public struct Result: Sendable, Equatable {
        public let disentanglement: Double
        public let completeness: Double
        /// The mean accuracy on the images that were learned from.
        public let informativenessTraining: Double
        /// The mean accuracy on other images.
        public let informativeness: Double
        /// Of each dimension.
        public let disentanglements: [Double]
        /// Of each factor.
        public let completenesses: [Double]
        /// The share of each dimension (columns) in what predicts each factor (rows); a row sums to 1 unless nothing predicts it.
        public let importances: [[Double]]

        /// Scores of a table of importances.
        init(importances: [[Double]], informativenessTraining: Double, informativeness: Double) {
            self.importances = importances
            self.informativenessTraining = informativenessTraining
            self.informativeness = informativeness
            let factorCount = importances.count
            let size = importances.first?.count ?? 0
            let columns = (0..<size).map { dimension in importances.map { $0[dimension] } }
            disentanglements = columns.map { DCI.concentration($0) }
            completenesses = importances.map { DCI.concentration($0) }
            let total = importances.reduce(0) { $0 + $1.reduce(0, +) }
            func mean(_ scores: [Double], _ weights: [Double], equal: Int) -> Double {
                zip(scores, weights).reduce(0) {
                    $0 + $1.0 * (total > 0 ? $1.1 / total : 1 / Double(equal))
                }
            }
            disentanglement = mean(disentanglements, columns.map { $0.reduce(0, +) }, equal: size)
            completeness = mean(completenesses, importances.map { $0.reduce(0, +) }, equal: factorCount)
        }
    }

    /// - Throws: `ZooError` where a factor never varies.
    public func result(_ images: some EncodedImages, _ random: inout RandomNumbers) throws -> Result {
        try images.requireFactors()
        let (train, test) = (images.draw(trainingSamples, &random), images.draw(testSamples, &random))
        let (trainCodes, testCodes) = (try images.codes(of: train), try images.codes(of: test))
        // The factors with the most positions first, so that no thread is left with one of them at the end.
        let order = images.factors.indices.sorted { images.factors[$0].count > images.factors[$1].count }
        let found = try order.concurrentMap { factor in
            let labels = images.positions(of: factor, train)
            let trees = try GradientBoostedTrees(
                trainCodes, labels: labels, classCount: images.factors[factor].count, rounds: rounds)
            return (
                factor: factor, importances: trees.importances,
                training: try trees.accuracy(trainCodes, labels: labels),
                test: try trees.accuracy(testCodes, labels: images.positions(of: factor, test))
            )
        }.sorted { $0.factor < $1.factor }
        let count = Double(found.count)
        return Result(
            importances: found.map(\.importances),
            informativenessTraining: found.reduce(0) { $0 + $1.training } / count,
            informativeness: found.reduce(0) { $0 + $1.test } / count)
    }

    /// 1 − H(p) / log K of K shares: 1 where one has all, 0 where all have the same. For one share, 1.
    static func concentration(_ shares: [Double]) -> Double {
        guard shares.count > 1 else { return 1 }
        let total = shares.reduce(0, +)
        guard total > 0 else { return 0 }
        let entropy = shares.reduce(0) { sum, share in share > 0 ? sum - share / total * log(share / total) : sum }
        return 1 - entropy / log(Double(shares.count))
    }
}

import Datasets
import Glibc
import Planning
import TensorCore

extension LatentStatistics {
    /// Variance of μ above which a dimension counts as active (Burda, Grosse and Salakhutdinov 2016, section 5.2).
    public static let activeThreshold = 0.01

    /// Statistics of codes, and of what is known about their images.
    ///
    /// - Parameters:
    ///   - split: which split the images are.
    ///   - dataset: the name of their data set.
    ///   - factors: what is known, each with a position for every image.
    public init(_ codes: LatentCodes, split: String, dataset: String?, factors: [KnownFactor] = []) {
        let size = codes.latentSize
        let n = Double(max(1, codes.imageCount))
        let mean = Self.columnMeans(codes.means, size: size)
        var covariance = Self.covariance(codes.means, mean: mean)
        let varianceOfMean = (0..<size).map { covariance[$0 * size + $0] }
        var meanVariance: [Double] = []
        var kl: [Double] = []
        if codes.isVariational {
            var logVariance = [Double](repeating: 0, count: size)
            meanVariance = logVariance
            for (index, value) in codes.logVariances.enumerated() {
                meanVariance[index % size] += exp(Double(value)) / n
                logVariance[index % size] += Double(value) / n
            }
            kl = (0..<size).map { d -> Double in
                // Mean of ½(μ² + σ² − 1 − log σ²), with E[μ²] = Var(μ) + E[μ]².
                let squaredMean: Double = varianceOfMean[d] + mean[d] * mean[d]
                return 0.5 * (squaredMean + meanVariance[d] - 1 - logVariance[d])
            }
            for d in 0..<size { covariance[d * size + d] += meanVariance[d] }
        }
        self.init(
            meanOfMean: mean, varianceOfMean: varianceOfMean, meanVariance: meanVariance, kl: kl,
            active: varianceOfMean.map { $0 > Self.activeThreshold }, imageCount: codes.imageCount, split: split,
            dataset: dataset, covariance: covariance, factors: factors.map(\.name),
            factorEntropies: factors.map { MutualInformation.entropy($0.positions) })
        let bins = factors.isEmpty ? [] : (0..<size).map { MutualInformation.bins(codes.values(of: $0)) }
        mutualInformation = factors.flatMap { factor in
            bins.map { MutualInformation.between($0, factor.positions) }
        }
    }

    /// Statistics of a model over images of a data set: encodes them, and takes what the data set knows about them.
    ///
    /// - Parameter progress: called with images done.
    /// - Throws: `ZooError` where there are no images, they do not fit the model, or a statistic is not finite.
    public init(
        of dataset: any Dataset, indices: [Int32], split: String, plan: InferencePlan,
        progress: (Int) -> Void = { _ in }
    ) throws {
        let codes = try LatentCodes(of: dataset, indices: indices, plan: plan, progress: progress)
        self.init(
            codes, split: split, dataset: dataset.info.name,
            factors: KnownFactor.all(of: dataset, indices: indices))
        guard let culprit = firstNonFinite else { return }
        throw ZooError(
            "over \(imageCount) \(split) images of \(dataset.info.name), \(culprit) is not finite", code: .notFinite)
    }

    /// The name of the first statistic with a value that is not finite, as a file may hold it; nil where all are finite.
    public var firstNonFinite: String? {
        let statistics = [
            ("the mean of μ", meanOfMean), ("the variance of μ", varianceOfMean), ("the mean of σ²", meanVariance),
            ("the KL divergence", kl), ("the covariance", covariance), ("the entropy of factors", factorEntropies),
            ("the mutual information", mutualInformation),
        ]
        return statistics.first { !$0.1.allSatisfy(\.isFinite) }?.0
    }

    private static func columnMeans(_ rows: [Float], size: Int) -> [Double] {
        var sums = [Double](repeating: 0, count: size)
        for (index, value) in rows.enumerated() { sums[index % size] += Double(value) }
        let n = Double(max(1, rows.count / size))
        return sums.map { $0 / n }
    }

    /// Covariance of the columns (divided by N), D × D row-major.
    private static func covariance(_ rows: [Float], mean: [Double]) -> [Double] {
        let size = mean.count
        var sums = [Double](repeating: 0, count: size * size)
        var row = [Double](repeating: 0, count: size)
        for start in stride(from: 0, to: rows.count, by: size) {
            for d in 0..<size { row[d] = Double(rows[start + d]) - mean[d] }
            for i in 0..<size {
                let value = row[i]
                for j in i..<size { sums[i * size + j] += value * row[j] }
            }
        }
        let n = Double(max(1, rows.count / size))
        for i in 0..<size {
            for j in i..<size {
                sums[i * size + j] /= n
                sums[j * size + i] = sums[i * size + j]
            }
        }
        return sums
    }
}

import TensorCore

// What follows from the statistics that are stored.

extension LatentStatistics {
    /// Whether there is a posterior: false for the codes of a plain autoencoder.
    public var isVariational: Bool { !kl.isEmpty }

    public var activeCount: Int { active.count { $0 } }

    /// The KL divergence of a dimension in nats; nil for a plain autoencoder.
    public func kl(of dimension: Int) -> Double? { isVariational ? kl[dimension] : nil }

    /// Sum of the KL divergences of all dimensions in nats; nil for a plain autoencoder.
    public var totalKL: Double? { isVariational ? kl.reduce(0, +) : nil }

    /// Cov(μ), D × D row-major; empty where no covariance is stored.
    public var covarianceOfMean: [Double] {
        var result = covariance
        guard covariance.count == latentSize * latentSize else { return [] }
        for (d, variance) in varianceOfMean.enumerated() { result[d * latentSize + d] = variance }
        return result
    }

    /// How many dimensions μ effectively varies in: the participation ratio (Σλ)² / Σλ² of the eigenvalues λ of Cov(μ), from
    /// 1 to D. Equal variance in k directions gives k. Nil where no covariance is stored, or nothing varies.
    public var effectiveDimensions: Double? {
        // Σλ is the trace and Σλ² the sum of all squares, so no eigenvalue is needed.
        let trace = varianceOfMean.reduce(0, +)
        let squares = covarianceOfMean.reduce(0) { $0 + $1 * $1 }
        guard squares > 0, squares.isFinite else { return nil }
        return trace * trace / squares
    }

    /// Correlation of μ in two dimensions, −1 to 1; nil where no covariance is stored, or one does not vary.
    public func correlation(_ i: Int, _ j: Int) -> Double? {
        guard (0..<latentSize).contains(i), (0..<latentSize).contains(j),
            covariance.count == latentSize * latentSize
        else { return nil }
        if i == j { return varianceOfMean[i] > 0 ? 1 : nil }
        let scale = (varianceOfMean[i] * varianceOfMean[j]).squareRoot()
        guard scale > 0 else { return nil }
        return min(1, max(-1, covariance[i * latentSize + j] / scale))
    }

    /// Two dimensions with the correlation of their μ.
    public struct CorrelatedPair: Sendable, Equatable {
        public var first: Int
        public var second: Int
        public var correlation: Double
    }

    /// The pairs of active dimensions, the most strongly correlated first.
    public var correlatedPairs: [CorrelatedPair] {
        guard covariance.count == latentSize * latentSize else { return [] }
        let dimensions = (0..<latentSize).filter { active.indices.contains($0) && active[$0] }
        var pairs: [CorrelatedPair] = []
        for (place, i) in dimensions.enumerated() {
            for j in dimensions.dropFirst(place + 1) {
                guard let correlation = correlation(i, j) else { continue }
                pairs.append(CorrelatedPair(first: i, second: j, correlation: correlation))
            }
        }
        return pairs.sorted { (abs($0.correlation), $1.first, $1.second) > (abs($1.correlation), $0.first, $0.second) }
    }

    /// Mutual information of a factor and a dimension in nats; nil where it is not stored.
    public func information(factor: Int, dimension: Int) -> Double? {
        guard factors.indices.contains(factor), (0..<latentSize).contains(dimension),
            mutualInformation.count == factors.count * latentSize
        else { return nil }
        return mutualInformation[factor * latentSize + dimension]
    }

    /// The factor that a dimension tells most about, with their mutual information in nats; nil without factors.
    public func strongestFactor(of dimension: Int) -> (name: String, nats: Double)? {
        factors.indices.compactMap { factor in
            information(factor: factor, dimension: dimension).map { (name: factors[factor], nats: $0) }
        }.max { $0.nats < $1.nats }
    }

    /// Dimensions in the order of what they carry: by KL, or by the variance of the code where there is no posterior.
    public var dimensionsByInformation: [Int] {
        let measure = isVariational ? kl : varianceOfMean
        return measure.indices.sorted { (measure[$0], $1) > (measure[$1], $0) }
    }
}

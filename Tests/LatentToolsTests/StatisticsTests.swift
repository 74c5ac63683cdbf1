import Foundation
import LatentTools
import TensorCore
import Testing

/// Statistics of codes that are made so that the right answer is known.
@Suite struct StatisticsTests {
    /// Four images, two dimensions: μ₀ = ±1, μ₁ = 3; σ² = 1 and e.
    private func codes() throws -> LatentCodes {
        try LatentCodes(
            imageIndices: [0, 1, 2, 3], latentSize: 2, means: [1, 3, -1, 3, 1, 3, -1, 3],
            logVariances: [0, 1, 0, 1, 0, 1, 0, 1])
    }

    @Test func momentsAndKL() throws {
        let statistics = LatentStatistics(try codes(), split: "test", dataset: "made")
        #expect(statistics.meanOfMean == [0, 3])
        #expect(statistics.varianceOfMean == [1, 0])
        #expect(abs(statistics.meanVariance[0] - 1) < 1e-15)
        #expect(abs(statistics.meanVariance[1] - M_E) < 1e-14)
        // ½(μ² + σ² − 1 − log σ²): ½ · 1 in the first dimension, ½(9 + e − 2) in the second.
        #expect(abs(statistics.kl[0] - 0.5) < 1e-15)
        #expect(abs(statistics.kl[1] - 0.5 * (7 + M_E)) < 1e-14)
        #expect(statistics.active == [true, false])
        #expect(statistics.activeCount == 1)
        #expect(statistics.imageCount == 4)
        #expect(statistics.dimensionsByInformation == [1, 0])
        #expect(abs((statistics.totalKL ?? 0) - statistics.kl[0] - statistics.kl[1]) < 1e-15)
    }

    @Test func covarianceOfTheAggregatePosteriorAddsTheVariances() throws {
        let statistics = LatentStatistics(try codes(), split: "test", dataset: nil)
        #expect(abs(statistics.covariance[0] - 2) < 1e-15)
        #expect(abs(statistics.covariance[3] - M_E) < 1e-14)
        #expect(statistics.covariance[1] == 0 && statistics.covariance[2] == 0)
        #expect(statistics.covarianceOfMean == [1, 0, 0, 0])
    }

    @Test func aThresholdOfActivityLiesAtOneHundredth() throws {
        // Variances 0.0121 and 0.0081.
        let codes = try LatentCodes(imageIndices: [0, 1], latentSize: 2, means: [0.11, 0.09, -0.11, -0.09])
        #expect(LatentStatistics(codes, split: "test", dataset: nil).active == [true, false])
    }

    @Test func aPlainAutoencoderHasNoPosterior() throws {
        let codes = try LatentCodes(imageIndices: [0, 1], latentSize: 1, means: [2, 4])
        let statistics = LatentStatistics(codes, split: "train", dataset: nil)
        #expect(statistics.meanOfMean == [3])
        #expect(statistics.varianceOfMean == [1])
        #expect(statistics.covariance == [1])
        #expect(statistics.kl.isEmpty && statistics.meanVariance.isEmpty)
        #expect(!statistics.isVariational && statistics.totalKL == nil)
    }

    @Test(arguments: [1, 3, 8]) func equalVarianceInKDirectionsGivesKEffectiveDimensions(k: Int) throws {
        // Images 2d and 2d + 1 are ±1 in dimension d, for the first k of 8 dimensions.
        var means = [Float](repeating: 0, count: 2 * k * 8)
        for d in 0..<k {
            means[2 * d * 8 + d] = 1
            means[(2 * d + 1) * 8 + d] = -1
        }
        let codes = try LatentCodes(imageIndices: (0..<2 * k).map(Int32.init), latentSize: 8, means: means)
        let effective = try #require(LatentStatistics(codes, split: "test", dataset: nil).effectiveDimensions)
        #expect(abs(effective - Double(k)) < 1e-12)
    }

    @Test func fullyCorrelatedDimensionsCountOnce() throws {
        let means: [Float] = (0..<10).flatMap { row in [row, -row, row % 2].map { Float($0) } }
        let codes = try LatentCodes(imageIndices: (0..<10).map(Int32.init), latentSize: 3, means: means)
        let statistics = LatentStatistics(codes, split: "test", dataset: nil)
        #expect(abs((statistics.correlation(0, 1) ?? 0) + 1) < 1e-12)
        #expect(statistics.correlation(0, 0) == 1)
        #expect(statistics.correlation(0, 3) == nil)
        let strongest = try #require(statistics.correlatedPairs.first)
        #expect(strongest.first == 0 && strongest.second == 1)
        #expect(statistics.correlatedPairs.count == 3)
    }

    @Test func aConstantDimensionHasNoCorrelation() throws {
        let codes = try LatentCodes(imageIndices: [0, 1], latentSize: 2, means: [1, 5, -1, 5])
        let statistics = LatentStatistics(codes, split: "test", dataset: nil)
        #expect(statistics.correlation(0, 1) == nil)
        #expect(statistics.correlation(1, 1) == nil)
        let still = try LatentCodes(imageIndices: [0], latentSize: 2, means: [1, 5])
        #expect(LatentStatistics(still, split: "test", dataset: nil).effectiveDimensions == nil)
    }

    @Test func valuesThatDoNotFitAreRefused() {
        #expect(throws: ZooError.self) { try LatentCodes(imageIndices: [0], latentSize: 2, means: [1]) }
        #expect(throws: ZooError.self) {
            try LatentCodes(imageIndices: [0], latentSize: 1, means: [1], logVariances: [1, 2])
        }
        #expect(throws: ZooError.self) { try LatentCodes(imageIndices: [0], latentSize: .max, means: []) }
    }

    @Test func codesThatAreNotFiniteDoNotStopTheStatistics() throws {
        let codes = try LatentCodes(
            imageIndices: [0, 1, 2], latentSize: 1, means: [.nan, .infinity, 1], logVariances: [0, 0, .infinity])
        let factor = KnownFactor(name: "kind", count: 2, positions: [0, 1, 1])
        let statistics = LatentStatistics(codes, split: "test", dataset: nil, factors: [factor])
        #expect(statistics.meanOfMean[0].isNaN)
        #expect(statistics.effectiveDimensions == nil)
        #expect(statistics.active == [false])
    }
}

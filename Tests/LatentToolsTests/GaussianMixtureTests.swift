import Foundation
import LatentTools
import TensorCore
import Testing

/// Mixtures of Gaussians that are fitted to codes.
@Suite struct GaussianMixtureTests {
    /// 300 points around (−3, 0), and 100 around (4, 2), whose two coordinates go together.
    private var twoGroups: [Float] {
        let stream = RandomStream(seed: 1, purpose: .other)
        return (0..<400).flatMap { n -> [Float] in
            let (a, b) = (stream.normal(UInt64(2 * n)), stream.normal(UInt64(2 * n + 1)))
            return n % 4 < 3 ? [-3 + 0.5 * a, b] : [4 + a, 2 + 0.9 * a + 0.2 * b]
        }
    }

    @Test func findsTwoGroups() throws {
        let mixture = try GaussianMixture(fittedTo: twoGroups, size: 2, components: 2, seed: 5)
        let left = try #require(mixture.means.indices.min { mixture.means[$0][0] < mixture.means[$1][0] })
        let right = 1 - left
        #expect(abs(mixture.weights[left] - 0.75) < 0.01 && abs(mixture.weights[right] - 0.25) < 0.01)
        #expect(abs(mixture.means[left][0] + 3) < 0.1 && abs(mixture.means[left][1]) < 0.15)
        #expect(abs(mixture.means[right][0] - 4) < 0.3 && abs(mixture.means[right][1] - 2) < 0.3)
        // The covariance of the two coordinates of the right group, 0.9.
        let factor = mixture.factors[right]
        #expect(abs(factor[2] * factor[0] - 0.9) < 0.3)
        for (before, after) in zip(mixture.logLikelihoods, mixture.logLikelihoods.dropFirst()) {
            #expect(after > before - 1e-9)
        }
    }

    /// One component is the Gaussian with the mean and the covariance of the codes, and its likelihood is known.
    @Test func oneComponentIsAGaussian() throws {
        let codes = twoGroups
        let mixture = try GaussianMixture(fittedTo: codes, size: 2, components: 1, seed: 0)
        let statistics = LatentStatistics(
            try LatentCodes(imageIndices: (0..<400).map { $0 }, latentSize: 2, means: codes), split: "test",
            dataset: nil)
        #expect(zip(mixture.means[0], statistics.meanOfMean).allSatisfy { abs($0 - $1) < 1e-6 })
        let c = statistics.covariance
        let determinant = c[0] * c[3] - c[1] * c[2]
        let expected: Double = -log(2 * Double.pi) - 1 - 0.5 * log(determinant)
        #expect(abs((mixture.logLikelihoods.last ?? 0) - expected) < 1e-3)
    }

    @Test func drawsRepeatAndFollowTheMixture() throws {
        let mixture = try GaussianMixture(fittedTo: twoGroups, size: 2, components: 2, seed: 5)
        let draws = mixture.draws(count: 2000, seed: 9)
        #expect(Array(draws.prefix(5)) == mixture.draws(count: 5, seed: 9))
        let rightShare = Double(draws.count { $0[0] > 1 }) / 2000
        #expect(abs(rightShare - 0.25) < 0.03)
        let cold = mixture.draws(count: 50, seed: 9, temperature: 0)
        let hundredths = cold.map { code in (code[0] * 100).rounded() }
        #expect(Set(hundredths).count == 2)
    }

    @Test func tooManyComponentsAreRefused() {
        let error = #expect(throws: ZooError.self) {
            try GaussianMixture(fittedTo: [1, 2, 3], size: 1, components: 4, seed: 0)
        }
        #expect(error?.message.contains("4 Gaussians cannot be fitted to 3 codes") == true)
    }
}

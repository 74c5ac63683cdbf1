import Foundation
import LatentTools
import TensorCore
import Testing

@testable import Metrics

@Suite("Metrics in closed form")
struct ClosedFormTests {
    @Test("the Fréchet distance of equal sets is 0, of a shift its square, of a scale (s − 1)² · tr Σ")
    func frechet() throws {
        var numbers = RandomNumbers(seed: 1, name: "frechet")
        let codes = Codes(rows: (0..<200).map { _ in (0..<3).map { _ in Float(numbers.normal()) } })
        #expect(try FrechetDistance.between(codes, codes) < 1e-9)
        let shifted = Codes(values: codes.values.map { $0 + 2 }, size: 3)
        #expect(abs(try FrechetDistance.between(codes, shifted) - 12) < 1e-5)
        let mean = codes.moments().mean
        let scaled = Codes(
            values: codes.values.enumerated().map { Float(mean[$0 % 3] + 3 * (Double($1) - mean[$0 % 3])) }, size: 3)
        let trace = codes.moments().covariance.trace
        #expect(abs(try FrechetDistance.between(codes, scaled) - 4 * trace) < 1e-4 * trace)
    }

    @Test("a generator that repeats one real image is precise and recalls nothing; a copy of the data has all")
    func neighbourhoods() throws {
        var numbers = RandomNumbers(seed: 1, name: "neighbourhoods")
        let real = Codes(rows: (0..<100).map { _ in (0..<2).map { _ in Float(numbers.normal()) } })
        let copied = try NeighbourhoodScores(real: real, generated: real)
        #expect(copied.precision == 1 && copied.recall == 1 && copied.coverage == 1)
        let collapsed = Codes(rows: (0..<100).map { _ in Array(real[0]) })
        let scores = try NeighbourhoodScores(real: real, generated: collapsed)
        #expect(scores.precision == 1)
        // The generated manifold is the point itself.
        #expect(scores.recall == 0.01)
        #expect(scores.coverage < 0.2)
        let far = Codes(values: real.values.map { $0 + 100 }, size: 2)
        let strange = try NeighbourhoodScores(real: real, generated: far)
        #expect([strange.precision, strange.recall, strange.density, strange.coverage] == [0, 0, 0, 0])
    }

    @Test("SSIM of an image with itself is 1, and any two orders of arguments agree")
    func similarity() {
        let a = (0..<144).map { Float($0 % 7) / 7 }
        let b = (0..<144).map { Float($0 % 5) / 5 }
        func ssim(_ a: [Float], _ b: [Float]) -> Double {
            ImageSimilarity.structuralSimilarity(a[...], b[...], channels: 1, height: 12, width: 12)
        }
        #expect(abs(ssim(a, a) - 1) < 1e-12)
        #expect(abs(ssim(a, b) - ssim(b, a)) < 1e-12)
        #expect(ssim(a, b) < 0.5)
        #expect(ImageSimilarity.peakSignalToNoiseRatio(squaredError: 0.01) == 20)
    }

    @Test("k-means finds separated clouds; purity counts the most frequent label of each cluster")
    func clusters() throws {
        var numbers = RandomNumbers(seed: 1, name: "clusters")
        let labels = (0..<90).map { $0 % 3 }
        let codes = Codes(rows: labels.map { [Float(10 * $0) + Float(numbers.normal()), Float(numbers.normal())] })
        let means = try KMeans(codes, clusters: 3, &numbers)
        #expect(means.purity(labels) == 1)
        #expect(abs(means.purity(labels.map { $0 == 0 ? 0 : 1 }) - 1) < 1e-12)
        let whole = try KMeans(codes, clusters: 1, &numbers)
        #expect(abs(whole.purity(labels) - 1.0 / 3) < 1e-12)
        // More clusters than different points.
        let few = try KMeans(Codes(rows: [[1], [1], [1], [2]]), clusters: 3, &numbers)
        #expect(few.inertia == 0)
        #expect(throws: ZooError.self) { try KMeans(codes, clusters: 91, &numbers) }
    }

    @Test("the area under the curve: order, reverse order, ties")
    func area() {
        let positive = [false, false, true, true]
        #expect(RankStatistics.areaUnderCurve(scores: [1, 2, 3, 4], isPositive: positive) == 1)
        #expect(RankStatistics.areaUnderCurve(scores: [4, 3, 2, 1], isPositive: positive) == 0)
        #expect(RankStatistics.areaUnderCurve(scores: [1, 1, 1, 1], isPositive: positive) == 0.5)
        #expect(RankStatistics.areaUnderCurve(scores: [1, 3, 2, 4], isPositive: positive) == 0.75)
        #expect(RankStatistics.areaUnderCurve(scores: [1, 2], isPositive: [true, true]) == nil)
    }

    @Test("log mean exp, in any order and over any range")
    func logMeanExp() {
        var sum = LogMeanExp()
        #expect(sum.value == -.infinity)
        for value: Double in [-1_000, -1_001, 3, -.infinity] { sum.add(value) }
        #expect(abs(sum.value - (3 + log(0.25))) < 1e-12)
    }

    /// Posteriors of known mixtures.
    @Test("the decomposition of the KL divergence: independent, copied and informative codes")
    func decomposition() throws {
        var numbers = RandomNumbers(seed: 1, name: "decomposition")
        // Posteriors that are the prior: nothing is known, all parts are 0.
        let nothing = try ELBODecomposition(
            means: Codes(values: [Float](repeating: 0, count: 400), size: 2),
            logVariances: Codes(values: [Float](repeating: 0, count: 400), size: 2), samples: 200, &numbers)
        #expect(abs(nothing.mutualInformation) < 1e-9)
        #expect(abs(nothing.totalCorrelation) < 1e-9)
        // By a draw of z, log q(z) − log p(z) is 0 for each.
        #expect(abs(nothing.dimensionWiseKL) < 1e-9)
        // Narrow posteriors around eight far apart points know which of the eight.
        let means = (0..<400).map { Float($0 % 8) * 10 }
        let eight = try ELBODecomposition(
            means: Codes(values: means, size: 1),
            logVariances: Codes(values: [Float](repeating: -4, count: 400), size: 1), samples: 400, &numbers)
        #expect(abs(eight.mutualInformation - log(8)) < 1e-6)
        #expect(abs(eight.totalCorrelation) < 1e-9)
        // Two copies of a dimension have as much total correlation as one of them tells: log 8.
        let copies = try ELBODecomposition(
            means: Codes(values: means.flatMap { [$0, $0] }, size: 2),
            logVariances: Codes(values: [Float](repeating: -4, count: 800), size: 2), samples: 400, &numbers)
        #expect(abs(copies.totalCorrelation - log(8)) < 1e-6)
        // The parts sum to the divergence: of N(m, e⁻⁴) from N(0, 1), its mean over the points.
        let kl =
            means.reduce(0.0) { (sum: Double, mean: Float) -> Double in
                sum + 0.5 * (Double(mean * mean) + exp(-4) + 3)
            } / 400
        let whole = eight.mutualInformation + eight.totalCorrelation + eight.dimensionWiseKL
        #expect(abs(whole / kl - 1) < 0.01)
    }

    @Test("an attribute that is the dimension correlates fully, a class the same by its ratio")
    func correlation() {
        let factor = KnownFactor(name: "scale", count: 4, positions: (0..<40).map { $0 % 4 })
        let values = factor.positions.map { -Float($0 * $0) }
        #expect(AttributeCorrelation.ranked(values, factor) == -1)
        #expect(abs(AttributeCorrelation.ratio(values, factor) - 1) < 1e-12)
        #expect(AttributeCorrelation.ratio([Float](repeating: 3, count: 40), factor) == 0)
    }
}

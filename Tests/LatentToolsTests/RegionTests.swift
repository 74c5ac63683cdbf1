import Datasets
import Glibc
import LatentTools
import TensorCore
import Testing

@Suite struct RegionTests {
    private let sampler = LatentSampler(size: 3, seed: 5)

    private func norm(_ vector: [Float]) -> Double {
        vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    @Test func shellsHaveTheirRadius() {
        for latent in sampler.shell(radius: 2.5, count: 200) { #expect(abs(norm(latent) - 2.5) < 1e-5) }
        let sum: Float = sampler.shell(radius: 1, count: 4000).reduce(0) { $0 + $1[0] }
        #expect(abs(sum) < 160)
    }

    @Test func boxesKeepToTheirRange() {
        let values = sampler.box(-1...3, count: 2000).flatMap(\.self)
        #expect(values.allSatisfy { (-1...3).contains($0) })
        let mean = values.reduce(0, +) / Float(values.count)
        #expect(abs(mean - 1) < 0.06)
        #expect((values.min() ?? 0) < -0.98)
        #expect((values.max() ?? 0) > 2.98)
    }

    @Test func aGaussianHasItsMeanAndCovariance() {
        let expected = [1.0, -2, 0.5]
        // Positive definite, with correlations of both signs.
        let covariance = [2.0, 0.6, -0.4, 0.6, 1, 0.3, -0.4, 0.3, 0.5]
        let draws = sampler.gaussian(mean: expected, covariance: covariance, count: 40_000)
        let n = Double(draws.count)
        func mean(_ value: ([Double]) -> Double) -> Double { draws.reduce(0.0) { $0 + value($1.map(Double.init)) } / n }
        let found = (0..<3).map { d in mean { $0[d] } }
        for d in 0..<3 {
            let deviation = (covariance[d * 3 + d] / n).squareRoot()
            #expect(abs(found[d] - expected[d]) < 4 * deviation)
            for e in 0..<3 {
                let moment = mean { ($0[d] - found[d]) * ($0[e] - found[e]) }
                // Four standard errors of a covariance, √((c_dd·c_ee + c_de²)/n).
                let square = covariance[d * 3 + e] * covariance[d * 3 + e]
                let error = ((covariance[d * 3 + d] * covariance[e * 3 + e] + square) / n).squareRoot()
                #expect(abs(moment - covariance[d * 3 + e]) < 4 * error, "\(d), \(e): \(moment)")
            }
        }
    }

    @Test func aDirectionWithoutVarianceStaysWhereItIs() {
        let draws = sampler.gaussian(mean: [0, 7, 0], covariance: [1, 0, 1, 0, 0, 0, 1, 0, 1], count: 50)
        for draw in draws {
            #expect(draw[1] == 7)
            #expect(abs(draw[0] - draw[2]) < 1e-6)
        }
    }

    @Test func temperatureMultipliesDeviations() {
        let cold = LatentSampler(size: 3, seed: 5, temperature: 0.5)
        for (a, b) in zip(sampler.prior(count: 5), cold.prior(count: 5)) { #expect(a.map { $0 / 2 } == b) }
        #expect(
            LatentSampler(size: 3, seed: 5, temperature: 0).around([1, 2, 3], deviation: 9, count: 1) == [[1, 2, 3]])
        #expect(Array(sampler.prior(count: 9).prefix(4)) == sampler.prior(count: 4))
    }

    @Test func posteriorsOfImages() {
        // Two images, far apart, with deviations of 0.1 and 0.2.
        let means: [Float] = [-10, 0, 0, 10, 0, 0]
        let deviations: [Float] = [0.1, 0.1, 0.1, 0.2, 0.2, 0.2]
        let draws = sampler.posterior(means: means, logVariances: deviations.map { 2 * log($0) }, count: 6000)
        let (left, right) = (draws.filter { $0[0] < 0 }, draws.filter { $0[0] > 0 })
        #expect(abs(Double(left.count) / 6000 - 0.5) < 0.03)
        for (group, middle, deviation) in [(left, -10.0, 0.1), (right, 10.0, 0.2)] {
            let n = Double(group.count)
            let mean = group.reduce(0.0) { $0 + Double($1[0]) } / n
            let variance = group.reduce(0.0) { $0 + (Double($1[0]) - mean) * (Double($1[0]) - mean) } / n
            #expect(abs(mean - middle) < 0.02)
            #expect(abs(variance.squareRoot() / deviation - 1) < 0.05)
        }
    }

    @Test func measuresOfImages() {
        let shape = Shape([1, 2, 2])
        #expect(abs(ImageMeasures.bernoulliEntropy([0.5, 0.5, 0, 1]) - log(2) / 2) < 1e-12)
        // Neighbours: two to the right (0, 1) and two below (1, 0).
        #expect(abs(ImageMeasures.sharpness([0, 0, 1, 0], shape: shape) - 0.5) < 1e-12)
        #expect(ImageMeasures.diversity([[0, 0], [3, 4], [3, 4]]) == 2.5)
        #expect(ImageDistance.euclidean([0, 0], [3, 4]) == 5)
    }

    /// Two pictures of 3 channels and 2 × 1 pixels, bytes in H W C order.
    private struct TwoPictures: Dataset {
        let info = DatasetInfo(
            name: "two", title: "Two", summary: "", license: "", source: "", shape: [3, 1, 2], isGenerated: true)
        let count = 2
        func indices(of split: Split) -> [Int32] { split == .train ? [0, 1] : [] }
        func readImages(_ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>) {
            let all: [UInt8] = [255, 0, 0, 0, 255, 0, 51, 51, 51, 51, 51, 51]
            for (row, index) in indices.enumerated() {
                for byte in 0..<6 { pixels[row * 6 + byte] = all[Int(index) * 6 + byte] }
            }
        }
    }

    @Test func theNearestImage() throws {
        let nearest = NearestImages(of: TwoPictures(), indices: [0, 1], count: 10)
        #expect(nearest.count == 2)
        // C H W: the first picture is red and then green; the second is 0.2 everywhere.
        let distances = try nearest.distances(from: [[1, 0, 0, 1, 0, 0], [0.2, 0.2, 0.2, 0.2, 0.2, 0.7]])
        #expect(abs(distances[0]) < 1e-6)
        #expect(abs(distances[1] - 0.5) < 1e-6)
    }

    /// Images of 9 × 9 pixels, more than are looked at together.
    private struct ManyPictures: Dataset {
        let info = DatasetInfo(
            name: "many", title: "Many", summary: "", license: "", source: "", shape: [1, 9, 9], isGenerated: true)
        let count = 900
        func indices(of split: Split) -> [Int32] { split == .train ? Array(0..<900) : [] }
        func readImages(_ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>) {
            for (row, index) in indices.enumerated() {
                for pixel in 0..<81 { pixels[row * 81 + pixel] = Self.value(Int(index), pixel) }
            }
        }
        static func value(_ image: Int, _ pixel: Int) -> UInt8 {
            UInt8(truncatingIfNeeded: (image &* 7919 &+ pixel &* 104_729) >> 3)
        }
    }

    @Test func theNearestOfManyImages() throws {
        let images = (0..<5).map { query in
            (0..<81).map { Float(ManyPictures.value(query * 131, $0 + query)) / 255 }
        }
        let all = (0..<900).map { image in (0..<81).map { Float(ManyPictures.value(image, $0)) / 255 } }
        let found = try NearestImages(of: ManyPictures(), indices: Array(0..<900), count: 900).distances(from: images)
        for (image, distance) in zip(images, found) {
            let expected = all.map { ImageDistance.euclidean(image, $0) }.min() ?? 0
            #expect(abs(distance - expected) < 1e-4)
        }
    }
}

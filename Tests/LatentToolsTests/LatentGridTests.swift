import LatentTools
import TensorCore
import Testing

@Suite struct LatentGridTests {
    /// Φ⁻¹ as tables print it (Abramowitz and Stegun 1964, table 26.5 and 26.6).
    @Test(arguments: [
        (0.5, 0.0), (0.75, 0.674489750196082), (0.9, 1.281551565544601), (0.95, 1.644853626951473),
        (0.975, 1.959963984540054), (0.99, 2.326347874040841), (0.999, 3.090232306167814),
        (0.000001, -4.753424308822899),
    ])
    func quantilesOfTheStandardNormal(_ p: Double, _ value: Double) {
        #expect(abs(StandardNormal.quantile(p) - value) < 1e-12)
    }

    @Test func theQuantileInvertsTheCumulativeDistribution() {
        for exponent in stride(from: -300.0, through: -0.4, by: 7.3) {
            let p = exponent < -15 ? Double(sign: .plus, exponent: Int(exponent), significand: 1) : -exponent / 16
            let back = StandardNormal.cumulative(StandardNormal.quantile(p))
            #expect(abs(back / p - 1) < 1e-12, "\(p)")
        }
        #expect(StandardNormal.quantile(0) == -.infinity)
        #expect(StandardNormal.quantile(1) == .infinity)
    }

    @Test func evenValues() {
        #expect(ValueSpacing.even(-4...4).values(count: 5) == [-4, -2, 0, 2, 4])
        #expect(ValueSpacing.even(-1...3).values(count: 1) == [1])
        #expect(ValueSpacing.even(-0.1...0.1).values(count: 7)[3] == 0)
    }

    @Test func quantileValuesShareThePriorEvenly() {
        let values = ValueSpacing.quantiles.values(count: 9)
        #expect(values[4] == 0)
        for (index, value) in values.enumerated() {
            #expect(abs(StandardNormal.cumulative(value) - (Double(index) + 0.5) / 9) < 1e-14)
            #expect(value == -values[8 - index])
        }
    }

    @Test func theMiddleOfAnOddGridIsTheBase() throws {
        for spacing in [ValueSpacing.even(-4...4), .quantiles] {
            let grid = try LatentGrid(dimensions: (2, 0), size: 5, spacing: spacing, base: [0, 7, 0])
            #expect(grid.latents.count == 25)
            #expect(grid.latents[12] == [0, 7, 0])
        }
    }

    @Test func theFirstDimensionGrowsToTheRightAndTheSecondUpwards() throws {
        let grid = try LatentGrid(dimensions: (0, 1), size: 3, spacing: .even(-1...1), base: [9, 9])
        #expect(grid.latents[0] == [-1, 1])
        #expect(grid.latents[2] == [1, 1])
        #expect(grid.latents[6] == [-1, -1])
    }

    @Test(arguments: [((0, 3), 5, "no dimension z3"), ((1, 1), 5, "two different"), ((0, 1), 0, "from 1 to 200")])
    func badInput(_ dimensions: (Int, Int), _ size: Int, _ message: String) {
        let error = #expect(throws: ZooError.self) {
            try LatentGrid(dimensions: dimensions, size: size, spacing: .quantiles, base: [0, 0, 0])
        }
        #expect(error?.message.contains(message) == true)
        #expect(error?.kind == .usage)
    }
}

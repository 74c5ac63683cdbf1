import LatentTools
import Testing

@testable import ZooCommands

/// The sentence that says where samples degrade.
@Suite struct RegionVerdictTests {
    private func analysis(
        _ name: String, nearest: Double? = 4, entropy: Double? = 0.1, sharpness: Double = 0.05,
        cycle: Double = 1, norms: ClosedRange<Double>? = nil
    ) -> RegionAnalysis {
        RegionAnalysis(
            name: name, sampleCount: 8, latentNorm: 3, latentNorms: norms, nearestDistance: nearest, entropy: entropy,
            sharpness: sharpness,
            diversity: 8, cycleError: cycle)
    }

    @Test func measuresThatAreWorseAreNamed() {
        let rows = [
            analysis("the prior", cycle: 1.2), analysis("images"),
            analysis("blurred", entropy: 0.2, sharpness: 0.03),
            analysis("far", nearest: 6, cycle: 3),
        ]
        let regions: [LatentRegion] = [.prior, .posterior, .shell(radius: 1), .shell(radius: 9)]
        #expect(
            RegionVerdict(rows, of: regions).sentence
                == "Compared with images, samples degrade in far (cycle error +200 %, 50 % further from training images); "
                + "blurred (entropy +100 %, sharpness −40 %). They hold up in the prior.")
    }

    /// In two dimensions the prior reaches far beyond a shell that holds up; that is said, for else it reads as a contradiction.
    @Test func aRegionThatHoldsAPartOfItselfSaysHowFarItReaches() {
        let rows = [
            analysis("images", norms: 0.1...3.5), analysis("prior", cycle: 1.5, norms: 0.12...3.2),
            analysis("shell", norms: 1.41...1.41), analysis("far", cycle: 2, norms: 5...5),
        ]
        let regions: [LatentRegion] = [.posterior, .prior, .shell(radius: 1.41), .shell(radius: 5)]
        #expect(
            RegionVerdict(rows, of: regions).sentence
                == "Compared with images, samples degrade in far (cycle error +100 %); "
                + "prior (cycle error +50 %, from ‖z‖ = 0.12 to 3.2). They hold up in shell.")
    }

    @Test func aMeasureThatIsMissingIsNotCompared() {
        let rows = [
            analysis("a", nearest: nil, entropy: nil),
            analysis("b", nearest: 90, entropy: 0.6, cycle: 1.25),
        ]
        #expect(
            RegionVerdict(rows, of: [.prior, .shell(radius: 2)]).sentence
                == "Samples degrade in none of these regions: no measure is more than 25 % worse than in a."
        )
        #expect(
            RegionVerdict([rows[0]], of: [.prior]).sentence == "One region alone cannot be compared.")
    }
}

import LatentTools
import Testing

@testable import ZooCommands

/// The sentence that says where samples degrade.
@Suite struct RegionVerdictTests {
    private func analysis(
        _ name: String, nearest: Double? = 4, entropy: Double? = 0.1, sharpness: Double = 0.05,
        cycle: Double = 1
    ) -> RegionAnalysis {
        RegionAnalysis(
            name: name, sampleCount: 8, latentNorm: 3, nearestDistance: nearest, entropy: entropy,
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

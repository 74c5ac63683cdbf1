import TextSupport

/// Where samples degrade, compared with a region that the decoder was trained on.
public struct RegionVerdict {
    /// A measure is worse if it is above this factor of the reference's.
    public static let limit = 1.25

    public let analyses: [RegionAnalysis]
    /// What the others are compared with; nil if there is no region.
    public let reference: RegionAnalysis?

    /// - Parameter regions: what the analyses are of. The posteriors of images are what the decoder was trained on; where
    ///   they are not among the regions, the Gaussian fitted to them stands for them, then the prior, then the first region.
    public init(_ analyses: [RegionAnalysis], of regions: [LatentRegion]) {
        self.analyses = analyses
        let wanted = [LatentRegion.posterior, .aggregate, .prior].compactMap { regions.firstIndex(of: $0) }.first ?? 0
        reference = analyses.indices.contains(wanted) ? analyses[wanted] : nil
    }

    /// One or two sentences for people.
    public var sentence: String {
        guard let reference, analyses.count > 1 else { return "One region alone cannot be compared." }
        let others = analyses.filter { $0.name != reference.name }
        let worse = others.filter { !complaints($0).isEmpty }.sorted { $0.cycleError > $1.cycleError }
        guard !worse.isEmpty else {
            return
                "Samples degrade in none of these regions: no measure is more than 25 % worse than in \(reference.name)."
        }
        let fine = others.filter { complaints($0).isEmpty }
        let parts = worse.prefix(3).map { region in
            "\(region.name) (\((complaints(region) + reach(region, fine)).joined(separator: ", ")))"
        }
        let rest = worse.count > 3 ? "; and in \(worse.count - 3) more" : ""
        let good = fine.isEmpty ? "" : " They hold up in \(fine.map(\.name).joined(separator: ", "))."
        return "Compared with \(reference.name), samples degrade in \(parts.joined(separator: "; "))\(rest).\(good)"
    }

    /// How far a region reaches, where one within it holds up: in few dimensions the prior is not like the shell that most
    /// of it is close to.
    private func reach(_ region: RegionAnalysis, _ fine: [RegionAnalysis]) -> [String] {
        guard let norms = region.latentNorms else { return [] }
        let isWider = fine.contains { other in
            guard let inner = other.latentNorms else { return false }
            return norms.lowerBound <= inner.lowerBound && norms.upperBound >= inner.upperBound
                && inner.upperBound - inner.lowerBound < (norms.upperBound - norms.lowerBound) / 2
        }
        return isWider ? ["from ‖z‖ = \(text(norms.lowerBound)) to \(text(norms.upperBound))"] : []
    }

    private func text(_ norm: Double) -> String { Formatting.significant(norm, 2) }

    /// What is worse than in the reference, by how much.
    private func complaints(_ analysis: RegionAnalysis) -> [String] {
        guard let reference else { return [] }
        var complaints: [String] = []
        func check(_ value: Double?, _ base: Double?, _ text: (String) -> String) {
            guard let value, let base, base > 0, value > Self.limit * base else { return }
            complaints.append(text("\(Formatting.decimals((value / base - 1) * 100, 0)) %"))
        }
        check(analysis.cycleError, reference.cycleError) { "cycle error +\($0)" }
        check(analysis.nearestDistance, reference.nearestDistance) { "\($0) further from training images" }
        check(analysis.entropy, reference.entropy) { "entropy +\($0)" }
        check(reference.sharpness, analysis.sharpness) { _ in
            "sharpness −\(Formatting.decimals((1 - analysis.sharpness / max(reference.sharpness, 1e-12)) * 100, 0)) %"
        }
        return complaints
    }
}

import LatentTools
import TensorCore
import TextSupport

/// Latent statistics for people.
public struct LatentText {
    private let statistics: LatentStatistics

    public init(_ statistics: LatentStatistics) {
        self.statistics = statistics
    }

    /// What they say in one line.
    public var line: String {
        var text = "\(statistics.activeCount) of \(statistics.latentSize) active"
        if let kl = statistics.totalKL { text += ", KL \(Formatting.decimals(kl, 3))" }
        text += ", over \(Formatting.grouped(statistics.imageCount)) \(statistics.split) images"
        return text + (statistics.dataset.map { " of \($0)" } ?? "")
    }

    /// What they say in one paragraph.
    public var summary: [String] {
        var lines = [
            "\(Formatting.grouped(statistics.imageCount)) \(statistics.split) images"
                + (statistics.dataset.map { " of \($0)" } ?? "")
        ]
        var counts = "\(statistics.activeCount) of \(statistics.latentSize) dimensions active (variance of "
        counts += "\(statistics.isVariational ? "μ" : "the code") above 0.01)"
        lines.append(counts)
        if let kl = statistics.totalKL { lines.append("KL \(Formatting.decimals(kl, 3)) nats per image") }
        if let effective = statistics.effectiveDimensions {
            lines.append(
                "\(Formatting.decimals(effective, 2)) effective dimensions (participation ratio of the eigenvalues of "
                    + "Cov(μ))")
        }
        return lines
    }

    /// The columns of `rows`.
    public var headings: [(title: String, isNumber: Bool)] {
        var headings = [("dimension", false)]
        if statistics.isVariational { headings.append(("KL (nats)", true)) }
        headings += [("mean(μ)", true), ("var(μ)", true)]
        if statistics.isVariational { headings.append(("mean σ²", true)) }
        headings.append(("active", false))
        if !statistics.factors.isEmpty { headings += [("strongest factor", false), ("MI (nats)", true), ("of", true)] }
        return headings
    }

    /// A row for each dimension, those that carry most first.
    public var rows: [[String]] {
        statistics.dimensionsByInformation.map { d in
            var row = ["z\(d)"]
            if statistics.isVariational { row.append(Formatting.decimals(statistics.kl[d], 4)) }
            row += [
                Formatting.significant(statistics.meanOfMean[d], 3),
                Formatting.significant(statistics.varianceOfMean[d], 3),
            ]
            if statistics.isVariational { row.append(Formatting.significant(statistics.meanVariance[d], 3)) }
            row.append(statistics.active[d] ? "yes" : "no")
            guard !statistics.factors.isEmpty else { return row }
            guard let strongest = statistics.strongestFactor(of: d) else { return row + ["", "", ""] }
            let entropy = statistics.factors.firstIndex(of: strongest.name).flatMap {
                statistics.factorEntropies.indices.contains($0) ? statistics.factorEntropies[$0] : nil
            }
            return row + [
                strongest.name, Formatting.decimals(strongest.nats, 3),
                entropy.map { Formatting.decimals($0, 3) } ?? "",
            ]
        }
    }

    /// The most correlated pairs, at most five.
    public var correlations: [String] {
        statistics.correlatedPairs.prefix(5).map {
            "z\($0.first) and z\($0.second) \(Formatting.decimals($0.correlation, 3))"
        }
    }
}

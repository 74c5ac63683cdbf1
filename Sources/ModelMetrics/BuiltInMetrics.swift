import TensorCore

/// The metrics that `zoo evaluate --metrics` knows, in the order in which they are printed.
public enum BuiltInMetrics {
    public static let all: [any ModelMetric] = [
        LossMetric(), LikelihoodMetric(), DecompositionMetric(), ActiveUnitsMetric(), ReconstructionMetric(),
        FrechetDistanceMetric(), KernelDistanceMetric(), NeighbourhoodMetric(), LinearProbeMetric(),
        NearestNeighbourMetric(), ClusterMetric(), AttributeCorrelationMetric(), BetaVAEScoreMetric(),
        FactorVAEScoreMetric(), MIGMetric(), SAPMetric(), DCIMetric(), ModularityMetric(), IRSMetric(),
    ]

    /// The metrics of names: of a metric, of a group of metrics, or `all`.
    ///
    /// - Throws: `ZooError` (wrong usage) for a name that is none.
    public static func named(_ names: [String]) throws -> [any ModelMetric] {
        var chosen: Set<String> = []
        for name in names {
            let found = all.filter { name == "all" || $0.name == name || $0.group.rawValue == name }
            guard !found.isEmpty else {
                let known = ["all"] + MetricGroup.allCases.map(\.rawValue) + all.map(\.name)
                let nearest = nearestName(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
                throw ZooError(
                    "there is no metric '\(name)'\(nearest)", advice: "there are \(known.joined(separator: ", "))",
                    kind: .usage, code: .notFound)
            }
            chosen.formUnion(found.map(\.name))
        }
        return all.filter { chosen.contains($0.name) }
    }
}

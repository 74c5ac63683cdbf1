import Metrics
import ModelMetrics
import Runs
import TensorCore
import TextSupport

/// A number by which models are put in order.
public struct Ranking: Sendable {
    /// Of the score: `mig`.
    public let name: String
    public let direction: ScoreDirection
    /// The metric that computes it; nil for what the comparison itself knows.
    public let metric: (any ModelMetric)?
    /// The numbers of a comparison's models; nil for those that have none.
    fileprivate let values: @Sendable (Comparison) -> [Double?]

    /// How far models of other seeds agree with a model on what its dimensions mean.
    private static let agreement = Ranking(name: "udr", direction: .higher, metric: nil) { comparison in
        var values: [String: Double] = [:]
        for group in comparison.seedGroups {
            for (path, value) in zip(group.paths, group.rankings ?? []) { values[path] = value }
        }
        return comparison.models.map { values[$0.trained.path] }
    }

    private static let all =
        [Comparison.loss, Comparison.reconstruction, Comparison.squaredError].map { measure in
            Ranking(name: measure.key, direction: .lower, metric: nil) { comparison in
                zip(comparison.models, comparison.pictures).map(measure.value)
            }
        } + [agreement]
        + BuiltInMetrics.rankings.map { score, direction, metric in
            Ranking(name: score, direction: direction, metric: metric) { comparison in
                comparison.models.map { model in model.scores.first { $0.name == score }?.value }
            }
        }

    private init(
        name: String, direction: ScoreDirection, metric: (any ModelMetric)?,
        values: @escaping @Sendable (Comparison) -> [Double?]
    ) {
        self.name = name
        self.direction = direction
        self.metric = metric
        self.values = values
    }

    /// - Throws: `ZooError` (wrong usage) for a name that ranks nothing.
    public init(by name: String) throws {
        guard let found = Self.all.first(where: { $0.name == name }) else {
            let known = Self.all.map(\.name)
            let nearest = nearestName(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
            throw ZooError(
                "'\(name)' does not rank models\(nearest)", advice: "what does: \(known.joined(separator: ", "))",
                kind: .usage, code: .notFound)
        }
        self = found
    }

    /// The scores that rank models, by name.
    public static var names: [String] { all.map(\.name) }
}

extension Comparison {
    /// The models that have the number, the best first, those with equal numbers in their order.
    public func ranked(by ranking: Ranking) -> [(model: ComparedModel, value: Double)] {
        zip(models, ranking.values(self)).enumerated()
            .compactMap { place, pair in
                pair.1.flatMap { $0.isFinite ? (place: place, model: pair.0, value: $0) : nil }
            }
            .sorted { first, second in
                guard first.value != second.value else { return first.place < second.place }
                return switch ranking.direction {
                case .higher: first.value > second.value
                case .lower: first.value < second.value
                }
            }
            .map { ($0.model, $0.value) }
    }

    /// `Best by mig, where higher is better: β = 4, seed 1 (0.3123)`; nil without a ranking or where no model has its number.
    public var bestLine: String? {
        guard let ranking, let best = ranked(by: ranking).first else { return nil }
        return "Best by \(ranking.name), where \(ranking.direction.rawValue) is better: \(best.model.label) "
            + "(\(Formatting.decimals(best.value, 4)))"
    }

    /// The best model and its number.
    var bestJSON: JSONValue {
        guard let ranking else { return .null }
        let ranked = ranked(by: ranking)
        return [
            "score": ranking.name, "better": ranking.direction.rawValue, "label": ranked.first?.model.label,
            "checkpoint": ranked.first?.model.trained.path, "value": ranked.first?.value,
            "ranking": ranked.map { ["label": $0.model.label, "value": $0.value] as JSONValue },
        ]
    }
}

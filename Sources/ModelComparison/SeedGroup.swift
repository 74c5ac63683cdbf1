import Checkpoints
import Figures
import Metrics
import ModelKit
import Runs
import TensorCore
import TextSupport
import Training

/// Models of one definition and data set that differ by the seed, with the mean and the spread of what they reached.
public struct SeedGroup {
    /// The mean and the standard deviation of a measure over the seeds.
    public struct Spread {
        public let mean: Double
        /// With n − 1 in the denominator.
        public let standardDeviation: Double

        /// - Returns: nil for less than two values.
        public init?(_ values: [Double]) {
            guard values.count > 1 else { return nil }
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            self.mean = mean
            standardDeviation = (squares / Double(values.count - 1)).squareRoot()
        }

        public func text(_ decimals: Int) -> String {
            "\(Formatting.decimals(mean, decimals)) ± \(Formatting.decimals(standardDeviation, decimals))"
        }
    }

    public let label: String
    public let seeds: [UInt64]
    /// The checkpoints of the models.
    let paths: [String]
    public let spreads: [(measure: Comparison.Measure, spread: Spread?)]
    /// How far the models agree on what their dimensions mean, one number for each (Duan and others 2020); nil where codes are missing.
    public let rankings: [Double]?

    fileprivate init(
        _ members: [(model: ComparedModel, pictures: ModelPictures)], measures: [Comparison.Measure]
    ) {
        label = members.first?.model.setting ?? members.map(\.model.label).joined(separator: ", ")
        seeds = members.compactMap(\.model.trained.checkpoint.progress?.seed)
        paths = members.map(\.model.trained.path)
        let ranked = members.compactMap(\.pictures.ranked)
        rankings = ranked.count == members.count ? try? UnsupervisedDisentanglementRanking.scores(ranked) : nil
        spreads = measures.map { measure in
            let values = members.compactMap { measure.value($0.model, $0.pictures) }
            return (measure, values.count == members.count ? Spread(values) : nil)
        }
    }

    public var json: JSONValue {
        .object(
            [
                ("label", .string(label)), ("seeds", .array(seeds.map { .string(String($0)) })),
                ("udr", rankings.map { JSONValue($0) } ?? .null),
            ]
                + spreads.map { measure, spread in
                    (
                        measure.key,
                        spread.map {
                            ["mean": $0.mean, "standard_deviation": $0.standardDeviation] as JSONValue
                        } ?? .null
                    )
                })
    }
}

extension Comparison {
    /// What is averaged over seeds: losses and their terms, and the metrics that were computed.
    fileprivate var averagedMeasures: [Measure] {
        [Self.loss, Self.reconstruction, Self.kl] + furtherMetrics.map(Self.metric) + [
            Self.activeUnits, Self.squaredError,
        ]
            + computedScores.map(Self.score)
    }

    /// The models that differ by the seed only, group by group in the order of their first; those that have no such others
    /// are in none.
    public var seedGroups: [SeedGroup] {
        struct Kind: Hashable {
            let definition: String
            let dataset: String?
            let steps: Int?
        }
        var order: [Kind] = []
        var members: [Kind: [(model: ComparedModel, pictures: ModelPictures)]] = [:]
        for (model, pictures) in zip(models, pictures) {
            guard let progress = model.trained.checkpoint.progress else { continue }
            let kind = Kind(definition: model.definition.text, dataset: model.trained.dataset, steps: progress.step)
            if members[kind] == nil { order.append(kind) }
            members[kind, default: []].append((model, pictures))
        }
        return order.compactMap { kind in
            let group = members[kind] ?? []
            let seeds = Set(group.compactMap(\.model.trained.checkpoint.progress?.seed))
            return group.count > 1 && seeds.count == group.count ? SeedGroup(group, measures: averagedMeasures) : nil
        }
    }

    /// A row for each group of seeds; nil where there is none.
    public var resultsOverSeeds: PageTable? {
        let groups = seedGroups
        guard !groups.isEmpty else { return nil }
        let measures = averagedMeasures.map { PageTable.Column($0.title, isNumber: true) }
        let columns = [PageTable.Column("Setting"), PageTable.Column("Seeds", isNumber: true)] + measures
        return PageTable(
            caption:
                "Mean ± standard deviation (n − 1) over the seeds. UDR: how far the models agree on what their dimensions mean.",
            columns: columns + [PageTable.Column("UDR", isNumber: true)],
            rows: groups.map { group in
                let spreads = group.spreads.map { measure, spread in spread?.text(measure.decimals) ?? "–" }
                let ranking = group.rankings.flatMap { SeedGroup.Spread($0) }?.text(3) ?? "–"
                return [group.label, String(group.seeds.count)] + spreads + [ranking]
            })
    }
}

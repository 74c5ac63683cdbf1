import Datasets
import Metrics
import ModelKit
import ModelMetrics
import Runs
import TensorCore
import TextSupport

/// Whether a model still gives the numbers that are kept beside it.
public struct CardVerification: Sendable {
    /// A score, as it was kept and as it is now.
    public struct Comparison: Sendable {
        public let name: String
        public let kept: Double
        public let now: Double

        /// The difference as a share of the kept number.
        public var deviation: Double { abs(now - kept) / max(abs(kept), 1e-12) }
    }

    /// Whether the file is the one whose metrics are kept.
    public let digestAgrees: Bool
    public let comparisons: [Comparison]

    /// The largest deviation that agrees.
    public static let tolerance = 1e-4

    public var agrees: Bool { digestAgrees && comparisons.allSatisfy { $0.deviation <= Self.tolerance } }

    /// Computes kept metrics again, by the same protocols.
    ///
    /// - Parameters:
    ///   - names: the metrics to compute; nil for all that are kept.
    ///   - progress: called with the name of a metric and the part of all work that is done.
    /// - Throws: `ZooError` where no metric is kept, or one cannot be computed.
    public init(
        _ model: TrainedModel, on dataset: any Dataset, metrics names: Set<String>? = nil,
        progress: @escaping (String, Double) throws -> Void = { _, _ in }
    ) throws {
        let path = EvaluationRecord.path(ofCheckpoint: model.path)
        let record = try EvaluationRecord(reading: path)
        guard !record.entries.isEmpty else {
            throw ZooError(
                "\(path) keeps no metrics to compare with", kind: .usage, code: .notFound, subject: .path(path))
        }
        let digest = try EvaluationRecord.digest(ofCheckpoint: model.path)
        digestAgrees = record.entries.contains { $0.digest == digest }
        var comparisons: [Comparison] = []
        for entry in record.entries where entry.features == nil && entry.dataset == dataset.info.name {
            guard let split = Split(rawValue: entry.split) else { continue }
            let subject = try MetricSubject(
                model: model, images: try model.images(of: dataset, split: split), seed: entry.seed,
                withoutFactors: entry.withoutFactors)
            let reports = entry.reports.filter { names?.contains($0.metric) ?? true }
            let choices = try reports.compactMap { report -> ModelEvaluation.Choice? in
                guard let metric = BuiltInMetrics.all.first(where: { $0.name == report.metric }) else { return nil }
                var chosen: [String: Double] = [:]
                for parameter in report.parameters { chosen[parameter.name] = parameter.value.numberValue }
                return ModelEvaluation.Choice(metric, settings: try MetricSettings(of: metric, chosen: chosen))
            }
            let result = try ModelEvaluation(choices, repetitions: entry.repetitions).result(
                subject, progress: progress)
            for (kept, now) in zip(reports, result.reports) {
                comparisons += kept.scores.compactMap { score in
                    now[score.name].map { Comparison(name: score.name, kept: score.value, now: $0) }
                }
            }
        }
        self.comparisons = comparisons
    }
}

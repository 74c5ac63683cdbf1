import Metrics
import Runs
import TensorCore

extension ModelEvaluation {
    /// What was computed of a model, and where it is kept.
    public struct Kept: Sendable {
        public let entry: EvaluationRecord.Entry
        /// Metrics that model or data do not allow, and what they lack.
        public let left: [(metric: String, reason: String)]
        /// nil where nothing is kept.
        public let file: String?
    }

    /// Computes the metrics and keeps them in `evaluation.json`, in the model's run or beside its checkpoint.
    ///
    /// - Parameters:
    ///   - region: where generated images come from, as a command names it.
    ///   - isStored: whether anything is kept.
    ///   - progress: called with the name of a metric and the part of all work that is done, from 0 to 1.
    /// - Throws: `ZooError` where a required metric cannot be computed, a number is not finite, or nothing can be kept.
    public func keep(
        _ subject: MetricSubject, region: String = "prior", isStored: Bool = true,
        progress: @escaping (String, Double) throws -> Void = { _, _ in }
    ) throws -> Kept {
        let clock = ContinuousClock()
        let start = clock.now
        let result = try result(subject, progress: progress)
        let (seconds, attoseconds) = (clock.now - start).components
        let entry = EvaluationRecord.Entry(
            subject, self, result, digest: try EvaluationRecord.digest(ofCheckpoint: subject.model.path),
            seconds: Double(seconds) + Double(attoseconds) / 1e18, region: region)
        guard isStored, !result.reports.isEmpty else { return Kept(entry: entry, left: result.left, file: nil) }
        let path = EvaluationRecord.path(ofCheckpoint: subject.model.path)
        var record = try EvaluationRecord(reading: path)
        record.add(entry)
        try record.write(to: path)
        return Kept(entry: entry, left: result.left, file: path)
    }

    /// The same without the metrics that are kept already, computed in the same way of the same checkpoint.
    ///
    /// - Throws: `ZooError` where the record or the checkpoint cannot be read.
    public func withoutKept(_ subject: MetricSubject, region: String = "prior") throws -> ModelEvaluation {
        let path = subject.model.path
        let record = try EvaluationRecord(reading: EvaluationRecord.path(ofCheckpoint: path))
        let entry = EvaluationRecord.Entry(
            subject, self, Result(reports: [], left: []), digest: try EvaluationRecord.digest(ofCheckpoint: path),
            seconds: 0, region: region)
        let kept = record.protocols(like: entry)
        return ModelEvaluation(
            choices.filter {
                !kept.contains(EvaluationRecord.protocolKey($0.metric.name, parameters: $0.settings.reported))
            }, repetitions: repetitions)
    }
}

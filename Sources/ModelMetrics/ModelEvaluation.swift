import Metrics
import TensorCore

/// Computes chosen metrics of a model.
public struct ModelEvaluation {
    /// A metric and its settings.
    public struct Choice {
        public let metric: any ModelMetric
        public let settings: MetricSettings
        /// Whether it was asked for by its own name, so that it is an error where it cannot be computed.
        public let isRequired: Bool

        public init(_ metric: any ModelMetric, settings: MetricSettings, isRequired: Bool = true) {
            self.metric = metric
            self.settings = settings
            self.isRequired = isRequired
        }
    }

    /// What was computed, and why the rest was not.
    public struct Result: Sendable {
        public let reports: [MetricReport]
        /// Metrics that model or data do not allow, and what they lack.
        public let left: [(metric: String, reason: String)]
    }

    public var choices: [Choice]
    /// How often a metric that draws at random is computed, each time with other draws.
    public var repetitions: Int

    public init(_ choices: [Choice], repetitions: Int = 1) {
        self.choices = choices
        self.repetitions = repetitions
    }

    /// - Parameter progress: called with the name of a metric and the part of all work that is done, from 0 to 1.
    /// - Throws: `ZooError` where a required metric cannot be computed or a number is not finite.
    public func result(
        _ subject: MetricSubject, progress: @escaping (String, Double) throws -> Void = { _, _ in }
    ) throws -> Result {
        var reports: [MetricReport] = []
        var left: [(String, String)] = []
        for (number, choice) in choices.enumerated() {
            let metric = choice.metric
            let missing = MetricNeed.allCases.filter { metric.needs.contains($0) && !subject.has($0) }
            guard missing.isEmpty else {
                let reason = "needs " + missing.map(\.words).joined(separator: " and ")
                guard !choice.isRequired else {
                    throw ZooError("\(metric.name) \(reason)", kind: .usage, code: .mismatch)
                }
                left.append((metric.name, reason))
                continue
            }
            let count = metric.isRandom ? repetitions : 1
            let measurements = try (0..<count).map { repetition in
                subject.progress = { part in
                    let done = Double(number) + (Double(repetition) + part) / Double(count)
                    try progress(metric.name, done / Double(choices.count))
                }
                try subject.progress(0)
                var random = RandomNumbers(seed: subject.seed, name: metric.name, repetition: repetition)
                return try metric.measure(subject, choice.settings, &random)
            }
            reports.append(try Self.report(metric, choice.settings, measurements))
        }
        subject.progress = { _ in }
        return Result(reports: reports, left: left)
    }

    private static func report(
        _ metric: any ModelMetric, _ settings: MetricSettings, _ measurements: [Measurement]
    ) throws -> MetricReport {
        let first = measurements[0]
        let scores = try first.numbers.enumerated().map { place, number in
            let values = measurements.map { $0.numbers[place].value }
            guard values.allSatisfy(\.isFinite) else {
                throw ZooError("\(number.name) is not a finite number", code: .notFinite)
            }
            return MetricReport.Score(number.name, repetitions: values, unit: number.unit)
        }
        return MetricReport(
            metric: metric.name, parameters: settings.reported, scores: scores, table: first.table, notes: first.notes)
    }
}

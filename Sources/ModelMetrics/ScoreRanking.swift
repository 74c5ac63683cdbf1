import TensorCore

/// Whether a higher or a lower number of a score is better.
public enum ScoreDirection: String, Sendable {
    case higher
    case lower
}

extension BuiltInMetrics {
    /// Every score that ranks models, with the metric that computes it.
    public static var rankings: [(score: String, direction: ScoreDirection, metric: any ModelMetric)] {
        all.flatMap { metric in metric.directions.map { ($0.score, $0.direction, metric) } }
    }
}

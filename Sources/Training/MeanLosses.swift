import Planning

/// Mean losses over images, in nats per image.
public struct MeanLosses: Sendable, Equatable {
    /// The objective with its current weights.
    public var loss: Double
    /// What else is reported, without any weight: `reconstruction`, `kl` and the terms that the objective has.
    public var metrics: MetricValues

    public init(loss: Double, metrics: MetricValues) {
        self.loss = loss
        self.metrics = metrics
    }

    /// Of an objective of reconstruction and KL divergence.
    public init(loss: Double, reconstruction: Double, kl: Double) {
        self.init(loss: loss, metrics: MetricValues([("reconstruction", reconstruction), ("kl", kl)]))
    }

    public var reconstruction: Double { metrics["reconstruction"] ?? 0 }

    /// The KL divergence itself, without any weight; 0 for a plain autoencoder.
    public var kl: Double { metrics["kl"] ?? 0 }
}

/// Sums over the images of some steps.
public struct LossSums: Sendable, Equatable {
    public var images = 0
    public var loss = 0.0
    public var metrics: MetricValues

    public init(metricNames: [String]) {
        metrics = MetricValues(names: metricNames)
    }

    public mutating func add(_ losses: BatchLosses) {
        images += losses.imageCount
        loss += losses.loss
        metrics += losses.metrics
    }

    public var means: MeanLosses {
        let count = Double(max(1, images))
        return MeanLosses(loss: loss / count, metrics: metrics.divided(by: count))
    }

    var isFinite: Bool { loss.isFinite && metrics.isFinite }
}

extension EvaluationSums {
    /// Means per image, with the objective's weights of the step that they were computed for.
    public var means: MeanLosses {
        let count = Double(max(1, imageCount))
        return MeanLosses(loss: loss / count, metrics: metrics.divided(by: count))
    }

    /// The mean loss at the end of the objective's schedules.
    public var meanFinalLoss: Double { finalLoss / Double(max(1, imageCount)) }
}

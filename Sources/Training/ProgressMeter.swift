import Glibc
import Planning

/// Losses and speed as they are now: means that forget what is long past, so that they follow a change and do not tremble.
struct ProgressMeter {
    /// Steps after which a loss counts a third as much.
    private static let lossMemory = 50.0
    /// Seconds after which a step's time counts a third as much.
    private static let speedMemory = 10.0

    private var sums: MeanLosses
    private var weight = 0.0
    private var images = 0.0
    private var seconds = 0.0

    init(metricNames: [String]) {
        sums = MeanLosses(loss: 0, metrics: MetricValues(names: metricNames))
    }

    /// Takes a step.
    ///
    /// - Parameter seconds: how long it took.
    mutating func add(_ losses: BatchLosses, seconds: Double) {
        let keptLosses = exp(-1 / Self.lossMemory)
        sums.loss = sums.loss * keptLosses + losses.loss
        sums.metrics = sums.metrics.scaled(by: keptLosses)
        sums.metrics += losses.metrics
        weight = weight * keptLosses + Double(losses.imageCount)
        let keptTime = exp(-seconds / Self.speedMemory)
        images = images * keptTime + Double(losses.imageCount)
        self.seconds = self.seconds * keptTime + seconds
    }

    var losses: MeanLosses {
        let count = max(1, weight)
        return MeanLosses(loss: sums.loss / count, metrics: sums.metrics.divided(by: count))
    }

    var imagesPerSecond: Double { images / max(1e-9, seconds) }
}

import Glibc
import Planning

/// Losses and speed as they are now: means that forget what is long past, so that they follow a change and do not tremble.
struct ProgressMeter {
    /// Steps after which a loss counts a third as much.
    private static let lossMemory = 50.0
    /// Seconds after which a step's time counts a third as much.
    private static let speedMemory = 10.0

    private var sums = MeanLosses(loss: 0, reconstruction: 0, kl: 0)
    private var weight = 0.0
    private var images = 0.0
    private var seconds = 0.0

    /// Takes a step.
    ///
    /// - Parameter seconds: how long it took.
    mutating func add(_ losses: BatchLosses, seconds: Double) {
        let keptLosses = exp(-1 / Self.lossMemory)
        sums.loss = sums.loss * keptLosses + losses.loss
        sums.reconstruction = sums.reconstruction * keptLosses + losses.reconstruction
        sums.kl = sums.kl * keptLosses + losses.kl
        weight = weight * keptLosses + Double(losses.imageCount)
        let keptTime = exp(-seconds / Self.speedMemory)
        images = images * keptTime + Double(losses.imageCount)
        self.seconds = self.seconds * keptTime + seconds
    }

    var losses: MeanLosses {
        let count = max(1, weight)
        return MeanLosses(loss: sums.loss / count, reconstruction: sums.reconstruction / count, kl: sums.kl / count)
    }

    var imagesPerSecond: Double { images / max(1e-9, seconds) }
}

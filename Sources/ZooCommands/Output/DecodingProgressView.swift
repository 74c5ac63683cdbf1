import Datasets
import TextSupport

/// Shows the decoding of pictures. What takes less than a second is not shown.
final class DecodingProgressView: Sendable {
    private let line = ProgressLine()

    func show(_ progress: DecodingProgress) {
        guard progress.seconds >= 1 else { return }
        line.show(isForced: progress.imagesDone == progress.imageCount) {
            let left = Double(progress.imageCount - progress.imagesDone) / max(1e-9, progress.imagesPerSecond)
            return
                "decoding pictures  \(Formatting.grouped(progress.imagesDone))/\(Formatting.grouped(progress.imageCount))  "
                + "\(Formatting.grouped(progress.imagesPerSecond)) images/s  \(Formatting.duration(left)) left"
        }
    }

    func clearLine() { line.clear() }
}

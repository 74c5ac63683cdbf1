import Datasets
import Synchronization
import TextSupport

/// Shows the decoding of pictures on standard error: one line that redraws on a terminal, plain lines otherwise. What takes
/// less than a second is not shown.
final class DecodingProgressView: Sendable {
    private struct State {
        var hasLine = false
        var lastLine = 0.0
    }

    private let state = Mutex(State())
    private let isTerminal = Console.errorIsTerminal

    func show(_ progress: DecodingProgress) {
        guard progress.seconds >= 1 else { return }
        let left = Double(progress.imageCount - progress.imagesDone) / max(1e-9, progress.imagesPerSecond)
        let text =
            "decoding pictures  \(Formatting.grouped(progress.imagesDone))/\(Formatting.grouped(progress.imageCount))  "
            + "\(Formatting.grouped(progress.imagesPerSecond)) images/s  \(Formatting.duration(left)) left"
        state.withLock { state in
            if isTerminal {
                Console.redrawLine(String(text.prefix(Console.width - 1)))
                state.hasLine = true
            } else if progress.seconds - state.lastLine >= 10 || progress.imagesDone == progress.imageCount {
                Console.writeError(text)
                state.lastLine = progress.seconds
            }
        }
    }

    func clearLine() {
        state.withLock { state in
            if state.hasLine { Console.redrawLine("") }
            state.hasLine = false
        }
    }
}

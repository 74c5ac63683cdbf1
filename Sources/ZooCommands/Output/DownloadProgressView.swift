import Datasets
import Synchronization
import TextSupport

/// Shows downloads on standard error: one line that redraws on a terminal, otherwise a plain line per file and ten
/// seconds. Called from the threads of the connection.
final class DownloadProgressView: Sendable {
    private struct State {
        var file = ""
        var lastDraw = 0.0
        /// Where the attempt began: bytes of earlier attempts say nothing about the speed.
        var firstByteCount = 0
        var firstSeconds = 0.0
        var hasLine = false
    }

    private let isQuiet: Bool
    private let isTerminal = Console.errorIsTerminal
    /// Task-local values do not reach the connection's threads by themselves.
    private let recording = Console.recording
    private let state = Mutex(State())

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
    }

    func show(_ progress: DownloadProgress) {
        guard !isQuiet else { return }
        let line = state.withLock { state -> String? in
            if progress.file != state.file {
                state = State(
                    file: progress.file, lastDraw: -.infinity, firstByteCount: progress.byteCount,
                    firstSeconds: progress.seconds, hasLine: state.hasLine)
            }
            let isComplete = progress.byteCount == progress.totalByteCount
            guard isComplete || progress.seconds - state.lastDraw >= (isTerminal ? 0.1 : 10) else { return nil }
            state.lastDraw = progress.seconds
            state.hasLine = isTerminal
            return Self.line(progress, since: state)
        }
        guard let line else { return }
        Console.$recording.withValue(recording) {
            if isTerminal {
                Console.redrawLine(line)
            } else {
                Console.writeError(line)
            }
        }
    }

    func clearLine() {
        let hasLine = state.withLock { state in
            defer { state.hasLine = false }
            return state.hasLine
        }
        if hasLine { Console.redrawLine("") }
    }

    private static func line(_ progress: DownloadProgress, since start: State) -> String {
        var line = "\(progress.file)  \(Formatting.bytes(progress.byteCount))"
        if let total = progress.totalByteCount { line += " of \(Formatting.bytes(total))" }
        let seconds = progress.seconds - start.firstSeconds
        guard seconds > 0 else { return line }
        let speed = Double(progress.byteCount - start.firstByteCount) / seconds
        line += "  \(Formatting.bytes(Int(speed)))/s"
        if let total = progress.totalByteCount, total > progress.byteCount, speed > 0 {
            line += "  \(Formatting.duration(Double(total - progress.byteCount) / speed)) left"
        }
        return line
    }
}

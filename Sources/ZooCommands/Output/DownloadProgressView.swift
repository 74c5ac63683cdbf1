import Datasets
import Synchronization
import TextSupport

/// Shows downloads. Called from the threads of the connection.
final class DownloadProgressView: Sendable {
    private struct State {
        var file = ""
        /// Where the attempt began: bytes of earlier attempts say nothing about the speed.
        var firstByteCount = 0
        var firstSeconds = 0.0
    }

    private let line: ProgressLine
    private let state = Mutex(State())

    init(isQuiet: Bool) {
        line = ProgressLine(isQuiet: isQuiet)
    }

    func show(_ progress: DownloadProgress) {
        let (start, isNew) = state.withLock { state in
            let isNew = progress.file != state.file
            if isNew {
                state = State(
                    file: progress.file, firstByteCount: progress.byteCount, firstSeconds: progress.seconds)
            }
            return (state, isNew)
        }
        line.show(isForced: isNew || progress.byteCount == progress.totalByteCount) {
            Self.line(progress, since: start)
        }
    }

    func clearLine() { line.clear() }

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

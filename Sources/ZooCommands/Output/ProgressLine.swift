import Synchronization
import TextSupport

/// A line of progress on standard error: on a terminal redrawn ten times a second, otherwise a plain line now and then. Any
/// thread may call it.
final class ProgressLine: Sendable {
    private struct State {
        var hasLine = false
        var last: ContinuousClock.Instant?
    }

    let isTerminal = Console.errorIsTerminal
    private let isQuiet: Bool
    /// Task-local values do not reach the threads of connections by themselves.
    private let recording = Console.recording
    private let start = ContinuousClock.now
    private let state = Mutex(State())

    init(isQuiet: Bool = false) {
        self.isQuiet = isQuiet
    }

    /// Seconds between two lines of a log, a line a minute after the first minutes: logs are kept, and work may take days.
    static func secondsBetweenLines(after seconds: Double) -> Double { seconds < 120 ? 10 : 60 }

    /// Shows a text where it is time to show something again. Without a terminal, work that is done in a few seconds says
    /// nothing.
    ///
    /// - Parameter isForced: whether it is shown in any case.
    func show(isForced: Bool = false, _ text: () -> String) {
        guard !isQuiet else { return }
        let isDue = state.withLock { state in
            let now = ContinuousClock.now
            let pause = isTerminal ? 0.1 : Self.secondsBetweenLines(after: (now - start).inSeconds)
            let last = state.last ?? (isTerminal ? now - .seconds(1) : start)
            guard isForced || (now - last).inSeconds >= pause else { return false }
            state.last = now
            state.hasLine = isTerminal
            return true
        }
        guard isDue else { return }
        let text = text()
        Console.$recording.withValue(recording) {
            if isTerminal { Console.redrawLine(text) } else { Console.writeError(text) }
        }
    }

    /// Clears the line of a terminal; then it is time to show something again there.
    func clear() {
        let hasLine = state.withLock { state in
            defer { state = State(last: isTerminal ? nil : .now) }
            return state.hasLine
        }
        if hasLine { Console.redrawLine("") }
    }
}

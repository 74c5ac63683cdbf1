import Glibc
import TextSupport

/// Shows how much of something is done, with the time left, on standard error: one line that redraws on a terminal, otherwise a
/// plain line every ten seconds, every minute after the first five.
final class ShareProgressView {
    private let isQuiet: Bool
    private let started = ShareProgressView.now()
    private var lastDraw = -Double.infinity
    private var hasLine = false

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
    }

    /// - Parameters:
    ///   - what: what is being done.
    ///   - part: of all work, from 0 to 1.
    func show(_ what: String, _ part: Double) {
        guard !isQuiet else { return }
        let seconds = Self.now() - started
        let interval = Console.errorIsTerminal ? 0.1 : seconds < 300 ? 10 : 60
        // Without a terminal, work that is done in a few seconds says nothing.
        guard seconds - lastDraw >= interval, Console.errorIsTerminal || seconds >= interval else { return }
        lastDraw = seconds
        var line = "\(what)  \(Int((100 * part).rounded(.down))) %"
        if part > 0.02 { line += "  \(Formatting.duration(seconds / part - seconds)) left" }
        if Console.errorIsTerminal {
            hasLine = true
            Console.redrawLine(line)
        } else {
            Console.writeError(line)
        }
    }

    func clearLine() {
        if hasLine { Console.redrawLine("") }
        hasLine = false
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

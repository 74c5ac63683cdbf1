import TextSupport

/// Shows how much of something is done, with the time left.
final class ShareProgressView {
    private let line: ProgressLine
    private let start = ContinuousClock.now

    init(isQuiet: Bool) {
        line = ProgressLine(isQuiet: isQuiet)
    }

    /// - Parameters:
    ///   - what: what is being done.
    ///   - part: of all work, from 0 to 1.
    func show(_ what: String, _ part: Double) {
        line.show {
            let text = "\(what)  \(Int((100 * part).rounded(.down))) %"
            guard part > 0.02 else { return text }
            let seconds = (ContinuousClock.now - start).inSeconds
            return text + "  \(Formatting.duration(seconds / part - seconds)) left"
        }
    }

    func clearLine() { line.clear() }
}

import Glibc
import Synchronization

/// Standard output for results, standard error for progress and diagnostics.
package enum Console {
    /// Takes what commands write, in place of the two streams, so that tests can look at it.
    package final class Recording: Sendable {
        private let texts = Mutex((output: "", errors: ""))

        package init() {}

        /// What went to standard output.
        package var output: String { texts.withLock { $0.output } }
        /// What went to standard error.
        package var errors: String { texts.withLock { $0.errors } }

        fileprivate func add(_ text: String, from descriptor: Int32) {
            texts.withLock { texts in
                if descriptor == STDOUT_FILENO { texts.output += text } else { texts.errors += text }
            }
        }
    }

    /// The recording under way; nil writes to the process's streams.
    @TaskLocal package static var recording: Recording?

    /// Writes a line of results.
    static func print(_ line: String) {
        write(line + "\n", to: STDOUT_FILENO)
    }

    /// Writes a line of progress or diagnostics.
    static func writeError(_ line: String) {
        write(line + "\n", to: STDERR_FILENO)
    }

    /// Writes `error: …`.
    static func complain(_ message: String) {
        writeError("\(style("error:", .red)) \(message.printable(keepsLines: true))")
    }

    /// Writes `warning: …`.
    static func warn(_ message: String) {
        writeError("\(style("warning:", .yellow)) \(message.printable(keepsLines: true))")
    }

    /// Writes text as it is, without a line end: for a progress display that redraws its line.
    static func writeErrorText(_ text: String) {
        write(text, to: STDERR_FILENO)
    }

    static var errorIsTerminal: Bool { recording == nil && isatty(STDERR_FILENO) == 1 }
    static var outputIsTerminal: Bool { recording == nil && isatty(STDOUT_FILENO) == 1 }

    /// Columns of the terminal; 100 where there is none.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 100 }
        return Int(size.ws_col)
    }

    enum Style: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    /// Text in a style, on terminals that want it (`NO_COLOR` says no).
    static func style(_ text: String, _ style: Style, onOutput: Bool = false) -> String {
        guard onOutput ? outputIsTerminal : errorIsTerminal, getenv("NO_COLOR") == nil else { return text }
        return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
    }

    /// A title, on terminals in bold.
    static func printTitle(_ text: String) {
        print(style(text, .bold, onOutput: true))
    }

    /// Most characters of a line of diagnostics.
    private static let diagnosticLimit = 2_000

    private static func write(_ text: String, to descriptor: Int32) {
        let text = descriptor == STDERR_FILENO ? text.clippingLines(to: diagnosticLimit) : text
        if let recording { return recording.add(text, from: descriptor) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { return }  // a closed pipe: nobody reads
            bytes = bytes.dropFirst(written)
        }
    }
}

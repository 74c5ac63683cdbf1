import Glibc
import Synchronization
import TensorCore
import TextSupport

/// Standard output for results, standard error for progress and diagnostics.
///
/// The only place that writes to a terminal. Names, paths and texts may come from anybody's file, so every text is made
/// printable here, and the escapes for styles and progress are added here. A text is one line, whatever names in it hold;
/// only what is known to have lines keeps them: errors are, whose names are made printable where they are made.
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
        write(line.printable() + "\n", to: STDOUT_FILENO)
    }

    /// Writes a text of results that has lines of its own: a definition, help, prose.
    static func print(lines text: String) {
        write(text.printable(keepsLines: true) + "\n", to: STDOUT_FILENO)
    }

    /// Writes a JSON text, indented, piece by piece.
    static func print(_ json: JSONValue) {
        json.write(indented: true) { write($0, to: STDOUT_FILENO) }
        write("\n", to: STDOUT_FILENO)
    }

    /// Writes a line of progress or diagnostics.
    static func writeError(_ line: String) {
        write(line.printable() + "\n", to: STDERR_FILENO)
    }

    /// Writes diagnostics that have lines of their own: errors that say what to do next, or list others.
    static func writeError(lines text: String) {
        write(text.printable(keepsLines: true) + "\n", to: STDERR_FILENO)
    }

    /// Writes a line of progress or diagnostics that begins with `lead` in a style.
    static func writeError(_ lead: String, _ style: Style, _ text: String) {
        write(styled(lead, style, if: errorIsTerminal) + text.printable() + "\n", to: STDERR_FILENO)
    }

    private static func write(_ lead: String, _ style: Style, lines text: String) {
        write(styled(lead, style, if: errorIsTerminal) + text.printable(keepsLines: true) + "\n", to: STDERR_FILENO)
    }

    /// Writes `error: …` with the lines of an error's description in it.
    static func complain(_ message: String) {
        write("error:", .red, lines: " " + message)
    }

    /// Writes `warning: …`, one line.
    static func warn(_ message: String) {
        warn(lines: message.printable())
    }

    /// Writes `warning: …` with the lines of an error's description in it.
    static func warn(lines message: String) {
        write("warning:", .yellow, lines: " " + message)
    }

    /// Draws the line of a progress display again, cut to the terminal's width; an empty one clears it.
    static func redrawLine(_ text: String) {
        write("\r\u{1B}[K" + String(text.printable().prefix(max(1, width - 1))), to: STDERR_FILENO)
    }

    static var errorIsTerminal: Bool { recording == nil && isatty(STDERR_FILENO) == 1 }
    static var outputIsTerminal: Bool { recording == nil && isatty(STDOUT_FILENO) == 1 }

    /// Columns of the terminal; 100 where there is none.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 100 }
        return Int(size.ws_col)
    }

    enum Style: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    /// A line in a style, on terminals that want it (`NO_COLOR` says no).
    private static func styled(_ text: String, _ style: Style, if isTerminal: Bool) -> String {
        let text = text.printable()
        guard isTerminal, getenv("NO_COLOR") == nil else { return text }
        return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
    }

    /// A title, on terminals in bold.
    static func printTitle(_ text: String) {
        write(styled(text, .bold, if: outputIsTerminal) + "\n", to: STDOUT_FILENO)
    }

    private static let outputFailure = Atomic<Int32>(0)

    /// Why results could not be written to standard output; nil where they were, or nobody wanted to read them.
    static var outputProblem: String? {
        let code = outputFailure.load(ordering: .relaxed)
        return code == 0 || code == EPIPE ? nil : String(cString: strerror(code))
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
            guard written > 0 else {
                if descriptor == STDOUT_FILENO, written < 0 { outputFailure.store(errno, ordering: .relaxed) }
                return
            }
            bytes = bytes.dropFirst(written)
        }
    }
}

import Glibc
import Synchronization

/// Ctrl-C as a question that the training loop asks. The first press asks for a stop, the second ends the process.
enum Interruption {
    private static let requested = Atomic<Bool>(false)

    /// Catches SIGINT and SIGTERM from now on.
    static func watch() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                Interruption.requested.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
    }

    static var isRequested: Bool { requested.load(ordering: .relaxed) }
}

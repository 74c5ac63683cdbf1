import Glibc
import Synchronization

/// Ctrl-C, and the other signals that ask a process to end, as a question that the training loop asks. The first asks for a
/// stop, the second ends the process. SIGUSR1 is what batch systems send some time before the end.
enum Interruption {
    private static let requested = Atomic<Bool>(false)
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1]

    /// Catches the signals from now on. One that is ignored stays so: `nohup` and shells ask for that.
    static func watch() {
        unblock()
        for number in signals where !isIgnored(number) {
            signal(number) { number in
                Interruption.requested.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
    }

    /// A process inherits which signals are blocked from the thread that starts it.
    private static func unblock() {
        var blocked = sigset_t()
        sigemptyset(&blocked)
        for number in signals { sigaddset(&blocked, number) }
        pthread_sigmask(SIG_UNBLOCK, &blocked, nil)
    }

    /// Lets Ctrl-\ end the process as it ends others: Swift's runtime would answer with a crash report.
    static func leaveQuitToTheSystem() {
        if !isIgnored(SIGQUIT) { signal(SIGQUIT, SIG_DFL) }
    }

    /// Lets a limit of the sizes of files (`ulimit -f`) be an error of the call that writes, which is told, and not the end of
    /// the process.
    static func leaveFileSizesToCalls() {
        signal(SIGXFSZ, SIG_IGN)
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    static var isRequested: Bool { requested.load(ordering: .relaxed) }
}

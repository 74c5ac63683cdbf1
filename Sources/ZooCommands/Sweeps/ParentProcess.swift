import CProcess
import Glibc

/// The process that started this one to train for it: it is not outlived.
///
/// A parent that is killed cannot stop its children, and nobody would see them go on, keep their folders and take the
/// processor. So each child is told who its parent is, and the kernel asks it to save and stop when the parent ends.
enum ParentProcess {
    /// The environment variable that tells a child its parent's number.
    private static let variable = "ZOO_PARENT_PROCESS"

    /// What a child's environment has besides this process's.
    static var environment: String { "\(variable)=\(getpid())" }

    /// Whether a string of an environment, `NAME=VALUE`, is `environment` of some process.
    static func isAnnouncement(_ text: UnsafePointer<CChar>) -> Bool {
        strncmp(text, variable + "=", variable.utf8.count + 1) == 0
    }

    /// Stops this process with the one that started it, if that has asked for it. To be called before anything else.
    static func follow() {
        guard let text = getenv(variable) else { return }
        let parent = pid_t(String(cString: text))
        // It is meant for this process, and not for those that it may start.
        unsetenv(variable)
        guard let parent, cprocess_signal_at_parents_end(SIGTERM) == 0 else { return }
        // It may have ended before the kernel knew.
        if getppid() != parent { raise(SIGTERM) }
    }
}

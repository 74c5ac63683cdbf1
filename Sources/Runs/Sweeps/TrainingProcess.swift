import CProcess
import Glibc
import TensorCore

/// A run that is trained in a process of its own, what it writes going to a file. It stops when this process ends, however
/// that happens.
///
/// A process that is killed cannot stop those it has started, and nobody would see them go on, keep their folders and take the
/// processor. So each is told who started it (`followParent`), and the kernel asks it to save and stop when that one ends.
public struct TrainingProcess: Sendable {
    private let id: pid_t

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: a program that calls `followParent` before anything else, saves and stops at SIGTERM and ends with status
    ///     0 when all is trained, 130 when it was interrupted.
    ///   - arguments: its command line, its name first.
    ///   - log: the file that what it writes is added to.
    /// - Throws: `ZooError` where it cannot be started.
    public init(executable: String, arguments: [String], log: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o666)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var environment = Self.environment
        defer { for text in environment { free(text) } }
        var id: pid_t = 0
        let status = posix_spawn(&id, executable, &actions, nil, &pointers, &environment)
        guard status == 0 else {
            throw ZooError(
                "cannot start \(executable): \(String(cString: strerror(status)))", code: .system,
                subject: .path(executable))
        }
        self.id = id
    }

    /// Its exit status if it has ended (128 and more for a signal), without waiting.
    public func status() -> Int32? {
        var status: Int32 = 0
        guard waitpid(id, &status, WNOHANG) == id else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }

    /// Asks it to save and stop. Ctrl-C has reached it already, and a second SIGINT would end it at once.
    public func stop() {
        kill(id, SIGTERM)
    }

    // MARK: Who started it

    /// The environment variable that tells a process the number of the one that started it.
    private static let variable = "ZOO_PARENT_PROCESS"

    /// This process's environment, and who it is.
    private static var environment: [UnsafeMutablePointer<CChar>?] {
        var texts: [UnsafeMutablePointer<CChar>?] = []
        var place: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = environ
        while let text = place?.pointee {
            if strncmp(text, variable + "=", variable.utf8.count + 1) != 0 { texts.append(strdup(text)) }
            place = place?.successor()
        }
        return texts + [strdup("\(variable)=\(getpid())"), nil]
    }

    /// Stops this process with the one that started it, if that has asked for it. To be called before anything else.
    public static func followParent() {
        guard let text = getenv(variable) else { return }
        let parent = pid_t(String(cString: text))
        // It is meant for this process, and not for those that it may start.
        unsetenv(variable)
        guard let parent, cprocess_signal_at_parents_end(SIGTERM) == 0 else { return }
        // It may have ended before the kernel knew.
        if getppid() != parent { raise(SIGTERM) }
    }
}

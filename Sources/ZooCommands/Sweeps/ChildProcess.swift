import Glibc
import ModelFigures
import TensorCore

/// `zoo` in a process of its own, what it writes going to a file. It stops when this process ends, however that happens.
struct ChildProcess {
    private let id: pid_t

    /// - Throws: `ZooError` where it cannot be started.
    init(_ arguments: [String], log: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o666)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        let words = [Tool.name] + arguments
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var environment = Self.environment
        defer { for text in environment { free(text) } }
        var id: pid_t = 0
        let status = posix_spawn(&id, ZooContext.executable, &actions, nil, &pointers, &environment)
        guard status == 0 else {
            throw ZooError("cannot start \(ZooContext.executable): \(String(cString: strerror(status)))")
        }
        self.id = id
    }

    /// This process's environment, and who it is.
    private static var environment: [UnsafeMutablePointer<CChar>?] {
        var texts: [UnsafeMutablePointer<CChar>?] = []
        var place: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = environ
        while let text = place?.pointee {
            if !ParentProcess.isAnnouncement(text) { texts.append(strdup(text)) }
            place = place?.successor()
        }
        return texts + [strdup(ParentProcess.environment), nil]
    }

    /// Its exit status if it has ended (128 and more for a signal), without waiting.
    func status() -> Int32? {
        var status: Int32 = 0
        guard waitpid(id, &status, WNOHANG) == id else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }

    /// Asks it to save and stop. Ctrl-C has reached it already, and a second SIGINT would end it at once.
    func stop() {
        kill(id, SIGTERM)
    }
}

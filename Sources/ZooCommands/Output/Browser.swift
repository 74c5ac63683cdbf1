import Glibc

/// The browser of the person at this machine.
enum Browser {
    /// Opens an address, where there is a screen and a program that knows how; returns whether one was started.
    @discardableResult
    static func open(_ address: String) -> Bool {
        guard getenv("DISPLAY") != nil || getenv("WAYLAND_DISPLAY") != nil else { return false }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        var words: [UnsafeMutablePointer<CChar>?] = [strdup("xdg-open"), strdup(address), nil]
        defer { for word in words { free(word) } }
        var id: pid_t = 0
        return posix_spawnp(&id, "xdg-open", &actions, nil, &words, environ) == 0
    }
}

import Glibc
import TensorCore

/// Settings of the threads that compute.
enum Computing {
    /// Spins of a waiting OpenMP thread before it sleeps, a few milliseconds. With libgomp's default, three times as many, a
    /// waiting thread on a busy machine burns the very core that the other threads of its team need; with far fewer, waking
    /// up costs a quarter of a step (docs/performance.md).
    private static let spinCount = "100000"

    /// The commands that compute long enough for it to matter.
    private static let commands = ["train", "evaluate", "bench"]

    /// Call this first in `main`: libgomp reads its settings before that, so the process starts itself once more with them
    /// in its environment, unless the user has set them.
    static func restartWithSettings() {
        guard CommandLine.arguments.count > 1, commands.contains(CommandLine.arguments[1]) else { return }
        if getenv("GOMP_SPINCOUNT") == nil, getenv("OMP_WAIT_POLICY") == nil {
            setenv("GOMP_SPINCOUNT", spinCount, 1)
            var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) } + [nil]
            execv("/proc/self/exe", &arguments)  // returns only if it fails: then go on with the defaults
            for argument in arguments { free(argument) }
        }
    }

    /// Uses so many threads, if the user has said how many.
    static func use(threads: Int?) {
        if let threads { OneDNNEngine.threadCount = threads }
    }
}

import Planning
import TensorCore

extension Computing {
    /// Uses so many threads, if the user has said how many, but not more than there are processors: the threads of a step
    /// wait for each other, so those without a processor of their own would hold up all.
    ///
    /// - Throws: `ZooError` (wrong usage) for a number that is none of threads.
    static func use(threads: Int?) throws {
        guard let threads else { return }
        guard (1...1024).contains(threads) else {
            throw ZooError("--threads must lie in 1…1024, is \(threads)", kind: .usage)
        }
        let most = processorCount
        if threads > most {
            Console.warn(
                "computing on \(most) threads, for this process has \(most) processors; \(threads) would be slower")
        }
        threadCount = min(threads, most)
    }
}

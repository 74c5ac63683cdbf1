import Dispatch

/// Where requests are answered: one after another, on a thread of their own, so that they neither wait for other tasks of the
/// process nor keep them waiting while a plan runs.
public final class ComputingQueue: TaskExecutor {
    public static let shared = ComputingQueue()

    private let queue = DispatchQueue(label: "explorer")

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

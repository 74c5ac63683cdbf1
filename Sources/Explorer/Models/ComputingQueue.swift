import Dispatch

/// Where requests are answered: one after another, on a thread of their own, so that they neither wait for other tasks of the
/// process nor keep them waiting while a plan runs.
public final class ComputingQueue: TaskExecutor {
    /// For all work but that of sliders.
    public static let shared = ComputingQueue("explorer")
    /// For what a slider shows, which is to be seen at once.
    static let live = ComputingQueue("explorer.live")

    private let queue: DispatchQueue

    private init(_ label: String) {
        queue = DispatchQueue(label: label)
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

import Dispatch
import Synchronization

/// Asynchronous work in commands, which do one thing after another.
enum Waiting {
    /// The result of the work, when it is there.
    ///
    /// - Parameter executor: where it is done: not on the threads that tasks share, one of which may be the one that waits.
    static func result<Value: Sendable>(
        on executor: some TaskExecutor, of work: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let place = Place<Value>()
        let isDone = DispatchSemaphore(value: 0)
        Task.detached(executorPreference: executor) {
            let result: Result<Value, any Error>
            do { result = .success(try await work()) } catch { result = .failure(error) }
            place.result.withLock { $0 = result }
            isDone.signal()
        }
        isDone.wait()
        guard let result = place.result.withLock({ $0 }) else { preconditionFailure("the work has left no result") }
        return try result.get()
    }

    /// Where a result is put.
    private final class Place<Value: Sendable>: Sendable {
        let result = Mutex<Result<Value, any Error>?>(nil)
    }
}

import Dispatch
import Synchronization

extension RandomAccessCollection where Index == Int {
    /// The results of `body` for all elements, in their order, on as many threads as there are cores.
    ///
    /// What an element gives does not depend on the others, so the results are the same on any number of threads.
    /// - Throws: the error of the first element that has one.
    package func concurrentMap<Result: Sendable>(_ body: (Element) throws -> Result) throws -> [Result] {
        // Each element writes its own place, and all are done when `concurrentPerform` returns.
        nonisolated(unsafe) let body = body
        nonisolated(unsafe) let elements = self
        let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
        DispatchQueue.concurrentPerform(iterations: count) { place in
            let result = Swift.Result { try body(elements[elements.startIndex + place]) }
            results.withLock { $0[place] = result }
        }
        return try results.withLock { results in try (0..<count).compactMap { try results[$0]?.get() } }
    }
}

import Dispatch
import Figures
import Synchronization

/// Draws and writes figures on a thread of its own, in order, so that training does not wait for them.
final class BackgroundWriter: Sendable {
    /// Figures that wait; more hold up whoever makes them, so that memory stays bounded.
    private static let capacity = 8

    private let queue = DispatchQueue(label: "zoo.pictures")
    private let places = DispatchSemaphore(value: capacity)
    private let failure = Mutex<(any Error)?>(nil)

    /// Has `figure` written to `path`.
    ///
    /// - Throws: what went wrong with a figure before.
    func write(_ figure: some Figure, to path: String) throws {
        try check()
        places.wait()
        queue.async { [self] in
            defer { places.signal() }
            do {
                try figure.write(to: path)
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
    }

    /// Waits until everything is written.
    ///
    /// - Throws: what went wrong with a figure.
    func finish() throws {
        queue.sync {}
        try check()
    }

    private func check() throws {
        if let error = failure.withLock({ $0.take() }) { throw error }
    }
}

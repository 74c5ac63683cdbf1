import Runs
import TensorCore
import TextSupport

/// Says on standard error what happens in a sweep.
final class SweepProgress {
    private let labels: [String]
    private let isQuiet: Bool
    private let start = ContinuousClock.now
    private var done = 0
    /// Runs that took time, to estimate the rest.
    private var trained = 0

    init(_ sweep: Sweep, isQuiet: Bool) {
        labels = sweep.members.map(\.combination.label)
        self.isQuiet = isQuiet
    }

    func show(_ event: Sweep.Event) {
        switch event {
        case .skipped(let index):
            done += 1
            say("\(place(index)): finished already, skipped")
        case .began(let index, .unfinished(let step)):
            say("\(place(index)): resumes from step \(Formatting.grouped(step))")
        case .began(let index, _): say("\(place(index)): begins")
        case .run: break
        case .ended(let index, let run): if run.status != .interrupted { showEnd(labels[index], run.message) }
        }
    }

    private func showEnd(_ label: String, _ failure: String?) {
        if let failure { Console.complain("\(label.printable()) failed: \(failure)") }
        done += 1
        trained += 1
        let seconds = (ContinuousClock.now - start).inSeconds
        let left = seconds / Double(trained) * Double(labels.count - done)
        say(
            "\(done) of \(labels.count) runs done after \(Formatting.duration(seconds))"
                + (done < labels.count ? ", about \(Formatting.duration(left)) left" : ""))
    }

    private func place(_ index: Int) -> String { "[\(index + 1)/\(labels.count)] \(labels[index])" }

    private func say(_ text: String) {
        if !isQuiet { Console.writeError(text) }
    }
}

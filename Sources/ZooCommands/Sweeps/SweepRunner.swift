import Checkpoints
import Glibc
import Runs
import TensorCore
import TextSupport

/// Trains the runs of a sweep, one after another in this process or several at a time in processes of their own.
struct SweepRunner {
    let folder: String
    let jobs: Int
    let isQuiet: Bool
    private var record: SweepRecord
    private let trainings: [ResumableTraining]
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var done = 0
    /// Runs that took time, to estimate the rest.
    private var trained = 0

    init(_ record: SweepRecord, trainings: [ResumableTraining], folder: String, jobs: Int, isQuiet: Bool) {
        self.record = record
        self.trainings = trainings
        self.folder = folder
        self.jobs = jobs
        self.isQuiet = isQuiet
        start = clock.now
    }

    /// Brings every run to its end. A run that fails leaves the others be.
    ///
    /// - Returns: what became of the runs; those that wait were kept from beginning by an interruption.
    /// - Throws: `ZooError` where `sweep.json` cannot be written.
    mutating func run() throws -> SweepRecord {
        try record.write(to: folder)
        try jobs == 1 ? runHere() : runBesideEachOther()
        return record
    }

    private mutating func runHere() throws {
        for index in trainings.indices {
            guard try begin(index) != nil else { continue }
            do {
                try trainings[index].train()
                try finish(index, status: 0)
            } catch let status as ExitStatus {
                try finish(index, status: status.code)
            } catch {
                try finish(index, status: 1, message: "\(error)")
            }
            if record.runs[index].status == .interrupted { return }
        }
    }

    private mutating func runBesideEachOther() throws {
        Interruption.watch()
        var waiting = trainings.indices[...]
        var running: [(index: Int, process: ChildProcess)] = []
        var isStopping = false
        while !running.isEmpty || (!waiting.isEmpty && !isStopping) {
            while !isStopping, running.count < jobs, let index = waiting.popFirst() {
                guard let command = try begin(index) else { continue }
                do {
                    running.append((index, try ChildProcess(command, log: log(index))))
                } catch {
                    try finish(index, status: 1, message: "\(error)")
                }
            }
            if Interruption.isRequested, !isStopping {
                isStopping = true
                for child in running { child.process.stop() }
            }
            for (place, child) in running.enumerated().reversed() {
                guard let status = child.process.status() else { continue }
                running.remove(at: place)
                try finish(child.index, status: status)
            }
            if !running.isEmpty { usleep(50_000) }
        }
    }

    private func log(_ index: Int) -> String { "\(folder)/\(record.runs[index].folder).log" }

    /// Says what happens with a run; its command, unless there is nothing to do.
    private mutating func begin(_ index: Int) throws -> [String]? {
        let place = "[\(index + 1)/\(trainings.count)] \(record.runs[index].label)"
        do {
            guard let next = try trainings[index].nextCommand() else {
                done += 1
                say("\(place): finished already, skipped")
                record.runs[index].status = .finished
                record.runs[index].message = nil
                try record.write(to: folder)
                return nil
            }
            if case .unfinished(let step) = next.state {
                say("\(place): resumes from step \(Formatting.grouped(step))")
            } else {
                say("\(place): begins")
            }
            return next.arguments
        } catch {
            try finish(index, status: 1, message: "\(error)")
            return nil
        }
    }

    private mutating func finish(_ index: Int, status: Int32, message: String? = nil) throws {
        let label = record.runs[index].label
        switch status {
        case 0: record.runs[index].status = .finished
        case 130: record.runs[index].status = .interrupted
        default: record.runs[index].status = .failed
        }
        record.runs[index].message = status == 0 ? nil : message ?? reason(index, status)
        try record.write(to: folder)
        guard status != 130 else { return }
        if status != 0, let message = record.runs[index].message {
            Console.complain("\(label.printable()) failed: \(message)")
        }
        done += 1
        trained += 1
        let elapsed = clock.now - start
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        let left = seconds / Double(trained) * Double(trainings.count - done)
        say(
            "\(done) of \(trainings.count) runs done after \(Formatting.duration(seconds))"
                + (done < trainings.count ? ", about \(Formatting.duration(left)) left" : ""))
    }

    /// Why a run did not end as it should.
    private func reason(_ index: Int, _ status: Int32) -> String {
        if status == 130 { return "interrupted" }
        if let message = (try? RunFolder(path: trainings[index].folder).record())?.message { return message }
        let place = jobs == 1 ? "" : "\(lastError(index).map { ": \($0)" } ?? ""); see \(log(index))"
        return status > 128 ? "ended by signal \(status - 128)\(place)" : "exit status \(status)\(place)"
    }

    /// The last error in the log of a run that had a process of its own.
    private func lastError(_ index: Int) -> String? {
        guard let bytes = try? RegularFile.text(of: log(index)) else { return nil }
        let prefix = "error: "
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").last { $0.hasPrefix(prefix) }
            .map { String($0.dropFirst(prefix.count)) }
    }

    private func say(_ text: String) {
        if !isQuiet { Console.writeError(text) }
    }
}

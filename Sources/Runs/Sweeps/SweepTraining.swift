import Checkpoints
import Datasets
import FileSupport
import Glibc
import ModelKit
import TensorCore
import Training

extension Sweep {
    /// What happens in a sweep. Runs are named by their places in `members`.
    public enum Event: Sendable {
        /// A run was finished before.
        case skipped(Int)
        /// A run begins or is resumed.
        case began(Int, PlannedRun.State)
        /// Something happens in a run that is trained in this process.
        case run(Int, TrainingRun.Event)
        /// A run has ended, and what became of it.
        case ended(Int, SweepRecord.Run)
    }

    /// Trains what is not finished yet, one run after another. A run that fails leaves the others be.
    ///
    /// - Parameters:
    ///   - settings: of every run; folder, seed and limit are each run's own.
    ///   - shouldStop: asked after every step. A cancelled `Task` stops, too.
    ///   - onEvent: called on this thread; what it throws ends the run as failed.
    ///   - openDataset: opens the data set of a model, given what is known of the one that a run was trained on.
    /// - Returns: what became of the runs, which `sweep.json` says, too.
    /// - Throws: `ZooError` where `sweep.json` cannot be written.
    public func train(
        registry: Registry, settings: TrainingRun.Settings = TrainingRun.Settings(),
        until shouldStop: @autoclosure () -> Bool = false, onEvent: @escaping (Event) throws -> Void = { _ in },
        openDataset: (ModelDefinition, _ trainedOn: TrainingData?) throws -> any Dataset
    ) throws -> SweepRecord {
        try train(SweepRecord(self, command: settings.command), registry: registry, onEvent: onEvent) { index in
            let run = try members[index].run.run(registry: registry, settings: settings, openDataset: openDataset)
            return try run?.train(until: shouldStop()) { try onEvent(.run(index, $0)) } ?? .finished
        }
    }

    /// Trains what is not finished yet, one run after another.
    ///
    /// - Parameters:
    ///   - record: what `sweep.json` begins with.
    ///   - onEvent: called on this thread; what it throws ends the sweep.
    ///   - training: begins or resumes a run, by its place in `members`, and trains it. What it throws ends the run as failed and
    ///     leaves the others be; an interruption leaves those that wait as they are.
    /// - Returns: what became of the runs, which `sweep.json` says, too.
    /// - Throws: `ZooError` where `sweep.json` cannot be written.
    public func train(
        _ record: SweepRecord, registry: Registry, onEvent: @escaping (Event) throws -> Void = { _ in },
        training: (Int) throws -> TrainingEnd
    ) throws -> SweepRecord {
        var book = try SweepBook(self, record, registry: registry, onEvent: onEvent)
        for index in members.indices {
            guard try book.begin(index) != nil else { continue }
            do {
                try book.end(index, try training(index) == .interrupted ? .interrupted : .finished)
            } catch {
                try book.end(index, .failed, "\(error)")
            }
            if book.record.runs[index].status == .interrupted { break }
        }
        return book.record
    }

    /// Trains what is not finished yet, several runs at a time, each in a process of its own. What a process writes goes to
    /// `NAME.log` in the sweep's folder.
    ///
    /// - Parameters:
    ///   - jobs: runs at a time.
    ///   - record: what `sweep.json` begins with.
    ///   - shouldStop: asked twenty times a second; then the runs are asked to save and stop.
    ///   - onEvent: called on this thread; what it throws ends the sweep.
    ///   - launch: starts a process that begins or resumes a run, by its place in `members`, and trains it.
    /// - Returns: what became of the runs, which `sweep.json` says, too.
    /// - Throws: `ZooError` where `sweep.json` cannot be written.
    public func train(
        jobs: Int, _ record: SweepRecord, registry: Registry, until shouldStop: @autoclosure () -> Bool = false,
        onEvent: @escaping (Event) throws -> Void = { _ in },
        launch: (Int, PlannedRun.State, _ log: String) throws -> TrainingProcess
    ) throws -> SweepRecord {
        var book = try SweepBook(self, record, registry: registry, onEvent: onEvent)
        var waiting = members.indices[...]
        var running: [(index: Int, process: TrainingProcess)] = []
        var isStopping = false
        while !running.isEmpty || (!waiting.isEmpty && !isStopping) {
            while !isStopping, running.count < jobs, let index = waiting.popFirst() {
                guard let state = try book.begin(index) else { continue }
                do {
                    running.append((index, try launch(index, state, log(index))))
                } catch {
                    try book.end(index, .failed, "\(error)")
                }
            }
            if shouldStop() || Task.isCancelled, !isStopping {
                isStopping = true
                for child in running { child.process.stop() }
            }
            for (place, child) in running.enumerated().reversed() {
                guard let status = child.process.status() else { continue }
                running.remove(at: place)
                switch status {
                case 0: try book.end(child.index, .finished)
                case 130: try book.end(child.index, .interrupted)
                default: try book.end(child.index, .failed, reason(child.index, status))
                }
            }
            if !running.isEmpty { usleep(50_000) }
        }
        return book.record
    }

    private func log(_ index: Int) -> String { "\(members[index].run.folder).log" }

    /// Why a process did not end as it should: what the run's record says, or the last error in its log.
    private func reason(_ index: Int, _ status: Int32) -> String {
        if let message = (try? RunFolder(path: members[index].run.folder).record())?.message { return message }
        let prefix = "error: "
        let text = (try? RegularFile.text(of: log(index))).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let error = text.split(separator: "\n").last { $0.hasPrefix(prefix) }.map { ": \($0.dropFirst(prefix.count))" }
        let end = status > 128 ? "ended by signal \(status - 128)" : "exit status \(status)"
        return "\(end)\(error ?? ""); see \(log(index))"
    }
}

/// Keeps `sweep.json` while runs are trained.
private struct SweepBook {
    private let sweep: Sweep
    private let registry: Registry
    private let onEvent: (Sweep.Event) throws -> Void
    private(set) var record: SweepRecord

    init(
        _ sweep: Sweep, _ record: SweepRecord, registry: Registry, onEvent: @escaping (Sweep.Event) throws -> Void
    ) throws {
        self.sweep = sweep
        self.record = record
        self.registry = registry
        self.onEvent = onEvent
        try RunFolder.makeDirectory(sweep.folder)
        try record.write(to: sweep.folder)
    }

    /// What a run begins from; nil where nothing is left to do, or it cannot begin.
    mutating func begin(_ index: Int) throws -> PlannedRun.State? {
        let state: PlannedRun.State
        do { state = try sweep.members[index].run.state(registry: registry) } catch {
            try end(index, .failed, "\(error)")
            return nil
        }
        guard state != .finished else {
            record.runs[index].status = .finished
            record.runs[index].message = nil
            try record.write(to: sweep.folder)
            try onEvent(.skipped(index))
            return nil
        }
        try onEvent(.began(index, state))
        return state
    }

    mutating func end(_ index: Int, _ status: SweepRecord.Run.Status, _ message: String? = nil) throws {
        record.runs[index].status = status
        record.runs[index].message = status == .interrupted ? "interrupted" : message
        try record.write(to: sweep.folder)
        try onEvent(.ended(index, record.runs[index]))
    }
}

import Foundation
import TensorCore

/// Random cases on both engines, computed in processes of their own, so that a crash is a result like any other.
package struct Sweep {
    package var kind: SweepKind
    package var seed: UInt64
    package var threadCounts: [Int]

    package init(kind: SweepKind, seed: UInt64, threadCounts: [Int] = [1, 2, 3]) {
        (self.kind, self.seed, self.threadCounts) = (kind, seed, threadCounts)
    }

    /// What is wrong with a case on a number of threads.
    package struct Fault: CustomStringConvertible {
        package var index: Int
        package var threadCount: Int
        /// What is computed.
        package var what: String
        package var fault: String

        package var description: String { "case \(index) on \(threadCount) threads: \(fault) (\(what))" }
    }

    package struct Result {
        /// Cases times numbers of threads.
        package var trialCount = 0
        package var faults: [Fault] = []
        /// The largest deviation from the reference among trials without a fault.
        package var largestDeviation = 0.0
        /// Trials that deviated with one set of data and not with another.
        package var otherDataCount = 0
    }

    /// Runs cases `indices` and returns what was wrong.
    ///
    /// A process may die of what an earlier trial left behind, so a trial in which it dies is tried again alone.
    ///
    /// - Parameters:
    ///   - worker: a program and its first arguments, which runs `SweepWorker` on what `arguments(for:)` adds.
    ///   - report: gets each fault when it is found.
    /// - Throws: where the worker cannot be started, or ends by itself before its work is done.
    package func run(
        _ indices: Range<Int>, worker: [String], report: (Fault) -> Void = { _ in }
    ) throws -> Result {
        var result = Result()
        var next = indices.lowerBound * threadCounts.count
        let end = indices.upperBound * threadCounts.count
        var suspect: Range<Int>?
        while next < end {
            let first = next
            var begun: (trial: Int, what: String)?
            func found(_ fault: String, _ trial: Int) {
                let fault = Fault(
                    index: trial / threadCounts.count, threadCount: threadCounts[trial % threadCounts.count],
                    what: begun?.what ?? "", fault: fault)
                result.faults.append(fault)
                report(fault)
            }
            let signal = try Self.lines(of: worker + arguments(for: next..<end)) { line in
                guard line.isDone else {
                    begun = (line.trial, line.what ?? "")
                    return
                }
                result.trialCount += 1
                if let fault = line.fault {
                    found(fault, line.trial)
                } else if let crowd = suspect, crowd.upperBound == line.trial {
                    found("the process dies after trials \(crowd), but not without them", line.trial)
                } else if line.neededOtherData == true {
                    result.otherDataCount += 1
                } else {
                    result.largestDeviation = max(result.largestDeviation, line.deviation ?? 0)
                }
                (begun, next) = (nil, line.trial + 1)
            }
            suspect = nil
            if let trial = begun?.trial, trial > first {
                (suspect, next) = (first..<trial, trial)
            } else if let trial = begun?.trial {
                result.trialCount += 1
                found("the process dies of signal \(signal)", trial)
                next = trial + 1
            } else if signal != 0, next > first {
                found("the process dies of signal \(signal) after it", next - 1)
            } else if next < end {
                throw ZooError("\(worker[0]) does not come to trial \(next) of \(kind.rawValue) with seed \(seed)")
            }
        }
        return result
    }

    /// Starts a program, calls `body` with each line that it prints, and returns the signal of which it died, or 0.
    ///
    /// - Throws: where it cannot be started, prints something else, or ends with another status than 0.
    private static func lines(of command: [String], _ body: (SweepLine) throws -> Void) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        // Crashes are counted here; `shape-sweep work` shows where they are.
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var rest = Data()
        while case let more = output.fileHandleForReading.availableData, !more.isEmpty {
            rest.append(more)
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                try body(JSONDecoder().decode(SweepLine.self, from: rest[rest.startIndex..<end]))
                rest.removeSubrange(rest.startIndex...end)
            }
        }
        process.waitUntilExit()
        if process.terminationReason == .uncaughtSignal { return process.terminationStatus }
        guard process.terminationStatus == 0 else {
            throw ZooError("\(command.joined(separator: " ")) ended with status \(process.terminationStatus)")
        }
        return 0
    }

    /// What a worker is told.
    private func arguments(for trials: Range<Int>) -> [String] {
        [
            kind.rawValue, "--seed", "\(seed)", "--first", "\(trials.lowerBound)", "--count", "\(trials.count)",
            "--threads", threadCounts.map(String.init).joined(separator: ","),
        ]
    }
}

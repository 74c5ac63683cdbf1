import Foundation
import Glibc
import TensorCore

/// A part of a sweep, computed in this process, which may die of it.
///
/// A case is a trial for each number of threads. A trial runs the fast engine twice and compares both runs bit by bit, and the
/// first, and one in which everything is kept, with the reference engine.
package struct SweepWorker {
    /// Relative, in the root mean square over each tensor (`SweepDeviation`).
    static let tolerance = 1e-4
    /// Where rounding every tensor to single precision moves the result of the reference engine by more, as it does batch
    /// normalisation of nearly equal values and sums that cancel, the fast engine may be as many times farther off.
    static let conditionFactor = 10.0
    /// A ReLU, a maximum or |x| that single precision puts on the other side of its kink moves gradients by more than rounding.
    /// That happens to few sets of data, so only what is wrong for all of several is wrong.
    private static let dataSets: Range<UInt64> = 0..<3
    /// After so many seconds a trial counts as hanging, and the process dies.
    private static let patience: UInt32 = 120

    let kind: SweepKind
    let seed: UInt64
    let threadCounts: [Int]

    package init(kind: SweepKind, seed: UInt64, threadCounts: [Int]) {
        (self.kind, self.seed, self.threadCounts) = (kind, seed, threadCounts)
    }

    /// Runs trials and prints two lines about each.
    ///
    /// - Throws: where a case cannot be made, or the reference engine cannot compute it.
    package func run(_ trials: Range<Int>) throws {
        var trial = trials.lowerBound
        while trial < trials.upperBound {
            let index = trial / threadCounts.count
            let next = min(trials.upperBound, (index + 1) * threadCounts.count)
            let sweepCase = try kind.makeCase(seed: seed, index: index)
            var deviations: [UInt64: SweepDeviation] = [:]
            func reference(_ data: UInt64) throws -> SweepDeviation {
                if let known = deviations[data] { return known }
                let deviation = SweepDeviation(
                    from: try sweepCase.outcome(of: ReferenceEngine(), data: data))
                deviations[data] = deviation
                return deviation
            }
            for trial in trial..<next {
                try print(SweepLine(trial: trial, isDone: false, what: "\(sweepCase)"))
                alarm(Self.patience)
                CPUEngine.threadCount = threadCounts[trial % threadCounts.count]
                try print(judge(sweepCase, trial, reference))
                alarm(0)
            }
            trial = next
        }
    }

    private func print(_ line: SweepLine) throws {
        var bytes = try JSONEncoder().encode(line)
        bytes.append(UInt8(ascii: "\n"))
        try FileHandle.standardOutput.write(contentsOf: bytes)
    }

    private func judge(
        _ sweepCase: any SweepCase, _ trial: Int, _ reference: (UInt64) throws -> SweepDeviation
    ) throws -> SweepLine {
        var line = SweepLine(trial: trial, isDone: true)
        for data in Self.dataSets {
            let expected = try reference(data)
            guard expected.isFinite else { throw ZooError("the reference is not finite: \(sweepCase)") }
            do {
                func found(_ engine: any Engine) throws -> [SweepTensor] {
                    try sweepCase.outcome(of: engine, data: data)
                }
                let first = try found(CPUEngine())
                let second = try found(CPUEngine())
                if let name = zip(first, second).first(where: { !Self.areSame($0.values, $1.values) })?.0.name {
                    line.fault = "two runs differ in \(name)"
                    return line
                }
                let whole = try found(CPUEngine(keepsEverything: true))
                let (deviation, name) =
                    [first, whole].map { expected.largest(in: $0) }.max { $0.value < $1.value }
                    ?? (.infinity, "nothing")
                if data == Self.dataSets.lowerBound { (line.deviation, line.tensor) = (min(deviation, 1e30), name) }
                var allowed = Self.tolerance
                if deviation > allowed {
                    let condition = expected.largest(in: try found(ReferenceEngine(roundsToSingle: true))).value
                    allowed = max(allowed, Self.conditionFactor * condition)
                }
                guard deviation > allowed else {
                    line.neededOtherData = data > Self.dataSets.lowerBound
                    return line
                }
            } catch let error as ZooError {
                line.fault = error.message
                return line
            }
        }
        line.fault = "\(line.tensor ?? "") deviates by \(line.deviation ?? 0)"
        return line
    }

    private static func areSame(_ a: [Float], _ b: [Float]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern }
    }
}

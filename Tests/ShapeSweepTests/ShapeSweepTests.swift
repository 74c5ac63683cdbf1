import Foundation
import ShapeSweep
import Testing

/// No shape crashes, computes wrong or computes anew each time. A sample; `shape-sweep` compares as many as one likes.
@Suite(.serialized) struct ShapeSweepTests {
    /// The executable that was built with the tests.
    private static let worker = [
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("shape-sweep").path, "work",
    ]

    /// Without optimisation the reference engine is slow.
    #if DEBUG
        private static let share = 0.05
    #else
        private static let share = 1.0
    #endif

    private static let counts: [SweepKind: Int] = [
        .linear: 120, .convolution: 120, .transposed: 100, .architecture: 60,
    ]

    @Test(arguments: SweepKind.sound) func engineAgreesWithTheReference(_ kind: SweepKind) throws {
        let count = try #require(Self.counts[kind])
        let result = try Sweep(kind: kind, seed: 1).run(
            0..<Int(Double(count) * Self.share), worker: Self.worker, report: { Issue.record("\(kind.rawValue) \($0)") }
        )
        #expect(result.trialCount == 3 * Int(Double(count) * Self.share))
        print(
            "\(kind.rawValue): \(result.trialCount) trials, largest deviation \(result.largestDeviation), "
                + "\(result.otherDataCount) with other data")
    }

    /// A sweep that finds nothing would be worth nothing.
    @Test func faultsAreFound() throws {
        let result = try Sweep(kind: .broken, seed: 1, threadCounts: [1, 2]).run(0..<6, worker: Self.worker)
        #expect(result.trialCount == 12)
        #expect(result.otherDataCount == 2)
        let found = result.faults.map { "\($0.index) \($0.threadCount) \($0.what): \($0.fault)" }
        let expected = [
            "1 %d crash: the process dies of signal 11", "2 %d wrongNumber: x deviates by 0.0005345",
            "3 %d changingNumber: two runs differ in x", "5 %d error: this engine cannot do that",
        ].flatMap { text in [1, 2].map { text.replacing("%d", with: "\($0)") } }
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) { #expect(found.hasPrefix(expected)) }
    }
}

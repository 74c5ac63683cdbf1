import Runs
import TensorCore
import Testing

@testable import Planning
@testable import Training
@testable import ZooCommands

/// Lines and tables that fit a terminal, and warnings that wait until they can be known.
@Suite struct ProgressViewTests {
    private let record = StepRecord(
        epoch: 1, epochCount: 10, step: 500, totalSteps: 1000,
        batch: BatchLosses(
            imageCount: 64, loss: 0, finalLoss: 0, metrics: MetricValues([("reconstruction", 0), ("kl", 0)])),
        current: MeanLosses(loss: 134.913, reconstruction: 123.417, kl: 11.496), interval: nil, learningRate: 1e-3,
        scheduled: ScheduledNumbers(GraphBuilder(isTraining: true).program, step: 0), seconds: 10,
        imagesPerSecond: 1098, secondsLeft: 107)

    @Test(arguments: [
        (
            120,
            "epoch 1/10  ━━━━━━━━━━──────────  loss 134.91 (reconstruction 123.42, KL 11.50)  1,098 images/s  1 min 47 s left"
        ),
        (100, "epoch 1/10  ━━━━━─────  loss 134.91 (reconstruction 123.42, KL 11.50)  1 min 47 s left"),
        (60, "epoch 1/10  ━━━━━─────  loss 134.91  1 min 47 s left"),
        (40, "epoch 1/10  loss 134.91  1 min 47 s left"), (30, "loss 134.91  1 min 47 s left"),
        (20, "1 min 47 s left"), (5, "1 min"),
    ])
    func theTimeLeftIsTheLastToGo(width: Int, line: String) {
        #expect(TrainingProgressView.line(record, width: width) == line)
        #expect(line.count <= width)
    }

    /// The log of a run without a terminal gets a line a minute after the first minutes.
    @Test func logsGrowSlowly() {
        #expect(ProgressLine.secondsBetweenLines(after: 30) == 10)
        #expect(ProgressLine.secondsBetweenLines(after: 3600) == 60)
    }

    private var table: Table {
        var table = Table(
            [("NAME", .left), ("KIND", .left), ("PARAMETERS", .right), ("LOSS", .right), ("SUMMARY", .left)],
            dropping: ["KIND"])
        table.add(["conv-vae", "vae", "1,662,249", "103.42", "A convolutional model of the lecture"])
        table.add(["mlp", "vae", "502", "99.1", "Small"])
        return table
    }

    @Test func tablesLeaveOutColumnsAndNeverDigits() {
        #expect(table.lines(width: 100) == table.lines)
        #expect(
            table.lines(width: 60) == [
                "NAME      KIND  PARAMETERS    LOSS  SUMMARY",
                "conv-vae  vae    1,662,249  103.42  A convolutional model o…",
                "mlp       vae          502    99.1  Small",
            ])
        #expect(
            table.lines(width: 46) == [
                "NAME      PARAMETERS    LOSS  SUMMARY",
                "conv-vae   1,662,249  103.42  A convolutional…", "mlp              502    99.1  Small",
                "(no room for KIND)",
            ])
        #expect(
            table.lines(width: 24) == [
                "NAME      PARAMETERS", "conv-vae   1,662,249", "mlp              502",
                "(no room for KIND, SUMMARY, LOSS)",
            ])
        #expect(
            table.lines(width: 17) == [
                "NAME   PARAMETERS", "conv…   1,662,249", "mlp           502", "(no room for KIND, SUMMARY, LOSS)",
            ])
        #expect(table.lines(width: 6)[1] == "conv-…")
    }

    @Test func aCollapseIsSaidWhenItIsKnown() {
        /// The warnings after each epoch; β has its final value from epoch `settled` on.
        func warnings(_ counts: [Int], settled: Int = 0, stepsOfAnEpoch: Int = 1_000) -> [String?] {
            var watch = CollapseWatch(latentSize: 10)
            return counts.enumerated().map { epoch, count in
                watch.warning(activeCount: count, isSettled: epoch >= settled, step: (epoch + 1) * stepsOfAnEpoch)
            }
        }
        #expect(warnings([0, 0, 0]).map { $0 != nil } == [false, true, false], "once, and not after the first epoch")
        #expect(warnings([0, 0, 0, 0], settled: 2).map { $0 != nil } == [false, false, false, true])
        #expect(
            warnings([0, 0, 0, 0], stepsOfAnEpoch: 400).map { $0 != nil } == [false, false, false, true],
            "not after a few steps, however many epochs they are")
        #expect(warnings([0, 3, 5, 6]).allSatisfy { $0 == nil }, "a slow beginning")
        #expect(
            warnings([8, 7, 3, 3]).last == "latent dimensions have collapsed: 3 of 10 are active, once there were 8")
        #expect(warnings([8, 3, 8, 3, 8]).allSatisfy { $0 == nil })
    }
}

import TensorCore
import Testing

@testable import Planning
@testable import Training

/// What a display is told while training goes on.
@Suite struct ProgressTests {
    private func losses(_ loss: Double) -> BatchLosses {
        BatchLosses(
            imageCount: 10, loss: loss * 10, finalLoss: loss * 10,
            metrics: MetricValues([("reconstruction", loss * 10)]))
    }

    @Test func aMeterFollowsAChange() {
        var meter = ProgressMeter(metricNames: ["reconstruction"])
        for _ in 0..<500 { meter.add(losses(900), seconds: 0.01) }
        #expect(abs(meter.losses.reconstruction - 900) < 1e-6 && abs(meter.imagesPerSecond - 1000) < 1e-6)
        // Half as fast, and a third of the loss.
        for _ in 0..<1000 { meter.add(losses(300), seconds: 0.02) }
        #expect(abs(meter.losses.reconstruction - 300) < 1)
        #expect(meter.imagesPerSecond < 600 && meter.imagesPerSecond > 500)
        for _ in 0..<2000 { meter.add(losses(300), seconds: 0.02) }
        #expect(abs(meter.imagesPerSecond - 500) < 5)
    }

    @Test func thereAreAboutAsManyRecordsInEveryTenfold() {
        let steps = (1...20_000).filter(StepInterval.ends)
        #expect(Array(steps.prefix(200)) == Array(1...200))
        #expect(steps.filter { (201...2000).contains($0) } == Array(stride(from: 210, through: 2000, by: 10)))
        #expect(steps.filter { $0 > 2000 } == Array(stride(from: 2100, through: 20_000, by: 100)))
    }

    @Test func intervalsAreMeansAndEvaluationMoves() throws {
        let trainer = try Fixtures.trainer(Fixtures.definition("training.epochs=2", "training.validation=26"))
        var steps: [StepRecord] = []
        var evaluations: [EvaluationProgress] = []
        try trainer.run(onEvent: { event in
            switch event {
            case .step(let record): steps.append(record)
            case .evaluation(let progress): evaluations.append(progress)
            case .epoch: break
            }
        })
        #expect(steps.count == 14 && steps.allSatisfy { $0.interval != nil && $0.secondsLeft > 0 })
        for step in steps {
            #expect(abs((step.interval?.loss ?? 0) - step.batch.loss / Double(step.batch.imageCount)) < 1e-9)
        }
        #expect(evaluations.map(\.epoch) == [1, 1, 2, 2])
        #expect(evaluations.map(\.imagesDone) == [26, 46, 26, 46] && evaluations.allSatisfy { $0.imageCount == 46 })
        #expect(evaluations.last?.secondsLeft == 0)
    }
}

import ModelKit
import TensorCore
import Testing

@Suite struct ScheduleTests {
    private func recipe(_ schedule: TrainingSettings.Schedule, warmup: Int = 0) throws -> TrainingSettings {
        var recipe = try read(smallDefinition).training
        (recipe.learningRate, recipe.schedule, recipe.warmupSteps) = (0.8, schedule, warmup)
        return recipe
    }

    /// Learning rates at these steps of a run of 10 epochs of 10 steps.
    private func rates(_ recipe: TrainingSettings, _ steps: [Int]) -> [Float] {
        steps.map { recipe.learningRate(step: $0, stepsPerEpoch: 10, totalSteps: 100) }
    }

    private func isClose(_ values: [Float], _ expected: [Float]) -> Bool {
        values.count == expected.count && zip(values, expected).allSatisfy { abs($0 - $1) < 1e-6 }
    }

    @Test func constantStays() throws {
        #expect(try rates(recipe(.constant), [0, 50, 99, 1000]) == [0.8, 0.8, 0.8, 0.8])
    }

    @Test func stepFallsAfterEveryEpochs() throws {
        let rates = try rates(recipe(.step(epochs: 3, factor: 0.5)), [0, 29, 30, 59, 60, 90])
        #expect(isClose(rates, [0.8, 0.8, 0.4, 0.4, 0.2, 0.1]))
    }

    @Test func cosineFallsToItsMinimum() throws {
        // Half way: minimum + (rate − minimum)/2; a quarter: cos(π/4) = 0.70710678.
        let rates = try rates(recipe(.cosine(minimum: 0.2)), [0, 25, 50, 100, 200])
        #expect(isClose(rates, [0.8, 0.2 + 0.6 * 0.853_553_4, 0.5, 0.2, 0.2]))
    }

    @Test func warmUpRisesFromTheFirstStep() throws {
        #expect(isClose(try rates(recipe(.constant, warmup: 4), [0, 1, 2, 3, 4, 5]), [0.2, 0.4, 0.6, 0.8, 0.8, 0.8]))
        #expect(
            isClose(
                try rates(recipe(.cosine(minimum: 0), warmup: 100), [49, 50]), [0.8 * 0.515_705_4 * 0.5, 0.4 * 0.51]))
    }

    private func objective(_ regularizer: Objective.Regularizer?) throws -> Objective {
        var objective = try read(smallDefinition).objective
        objective.regularizer = regularizer
        return objective
    }

    @Test func klWeightWarmsUp() throws {
        let warm = try objective(.weighted(weight: 4, warmupSteps: 8, freeNats: 0))
        #expect([0, 2, 4, 8, 100].map { warm.klWeight(step: $0) } == [0, 1, 2, 4, 4])
        #expect(
            try [0, 9].map { try objective(.weighted(weight: 4, warmupSteps: 0, freeNats: 0)).klWeight(step: $0) } == [
                4, 4,
            ])
        #expect(try objective(nil).klWeight(step: 5) == 0)
        #expect(warm.klCapacity(step: 5) == 0)
    }

    @Test func capacityRises() throws {
        let rising = try objective(.capacity(weight: 1000, start: 0, end: 25, steps: 100))
        #expect([0, 1, 50, 100, 1000].map { rising.klCapacity(step: $0) } == [0, 0.25, 12.5, 25, 25])
        #expect(rising.klWeight(step: 3) == 1000)
        let falling = try objective(.capacity(weight: 1, start: 10, end: 2, steps: 4))
        #expect([0, 1, 4].map { falling.klCapacity(step: $0) } == [10, 8, 2])
        #expect(try objective(.capacity(weight: 1, start: 3, end: 7, steps: 0)).klCapacity(step: 0) == 7)
    }
}

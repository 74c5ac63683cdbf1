import ModelKit
import ObjectiveLibrary
import Planning
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

    /// The numbers of a schedule of the objective at some steps.
    private func numbers(_ name: String, _ regularizer: any Regularizer, _ steps: [Int]) throws -> [Float?] {
        var definition = try read(smallDefinition)
        definition.objective.regularizers = [regularizer]
        let program = try ModelGraph(definition, purpose: .training).program
        return steps.map { ScheduledNumbers(program, step: $0)[name] }
    }

    @Test func klWeightWarmsUp() throws {
        let warm = KLDivergence(weight: 4, warmupSteps: 8)
        #expect(try numbers("kl_weight", warm, [0, 2, 4, 8, 100, .max]) == [0, 1, 2, 4, 4, 4])
        #expect(try numbers("kl_weight", KLDivergence(weight: 4), [0, 9]) == [4, 4])
        #expect(try numbers("kl_capacity", warm, [5]) == [nil])
    }

    @Test func capacityRises() throws {
        let rising = Capacity(weight: 1000, from: 0, to: 25, over: 100)
        #expect(try numbers("kl_capacity", rising, [0, 1, 50, 100, 1000]) == [0, 0.25, 12.5, 25, 25])
        #expect(try numbers("kl_weight", rising, [3]) == [1000])
        #expect(try numbers("kl_capacity", Capacity(weight: 1, from: 10, to: 2, over: 4), [0, 1, 4]) == [10, 8, 2])
        #expect(try numbers("kl_capacity", Capacity(weight: 1, from: 3, to: 7, over: 0), [0]) == [7])
    }
}

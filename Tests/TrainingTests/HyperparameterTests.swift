import ModelKit
import Planning
import TensorCore
import TestSupport
import Testing
import Training

/// Every field of objective and recipe changes what is learned: nothing is accepted and then ignored.
@Suite struct HyperparameterTests {
    /// Parameters and the mean loss of the last batch after 12 steps.
    private func outcome(_ overrides: [String]) throws -> (loss: Double, parameters: [NamedTensor]) {
        let definition = try ModelDefinition(
            text: Fixtures.model, source: "small-vae",
            overrides: overrides.map { DefinitionOverride($0) }, registry: .builtIn)
        let trainer = try Fixtures.trainer(definition, steps: 12)
        var loss = 0.0
        try trainer.run(onEvent: { event in
            if case .step(let record) = event { loss = record.batch.loss / Double(record.batch.imageCount) }
        })
        return (loss, trainer.plan.model.parameters)
    }

    @Test(arguments: [
        ["objective.kl.weight=4"], ["objective.kl.warmup_steps=100"], ["objective.kl.free_nats=0.5"],
        ["objective.reconstruction=gaussian"], ["objective.reconstruction=laplace"],
        ["objective.reconstruction=gaussian_learned_variance"],
        ["objective.reconstruction={bernoulli: 1, gaussian: 1}"], ["objective.reconstruction={bernoulli: 2}"],
        ["objective={reconstruction: bernoulli, capacity: {weight: 10, end: 5, steps: 100}}"],
        ["objective={reconstruction: bernoulli, capacity: {weight: 10, start: 2, end: 5, steps: 100}}"],
        ["training.optimizer.adam.learning_rate=0.02"], ["training.optimizer.adam.beta1=0.5"],
        ["training.optimizer.adam.beta2=0.9"], ["training.optimizer.adam.epsilon=0.1"],
        ["training.optimizer.adam.weight_decay=0.1"],
        ["training.optimizer={adamw: {learning_rate: 0.01, weight_decay: 1}}"],
        ["training.optimizer={sgd: {learning_rate: 0.001}}"],
        ["training.optimizer={sgd: {learning_rate: 0.001, momentum: 0.9}}"],
        ["training.optimizer={sgd: {learning_rate: 0.001, momentum: 0.9, nesterov: true}}"],
        ["training.schedule=cosine"], ["training.schedule={step: {epochs: 1, factor: 0.1}}"],
        ["training.warmup_steps=10"],
        ["training.clip_norm=0.001"], ["training.batch_size=8"], ["latent.size=5"],
    ])
    func changesTheOutcome(overrides: [String]) throws {
        let base = try outcome([])
        let changed = try outcome(overrides)
        #expect(changed.loss.isFinite)
        #expect(changed.parameters != base.parameters)
    }

    @Test func theLossIsWhatItsPartsSay() throws {
        let trainer = try Fixtures.trainer(Fixtures.definition("objective.kl.weight=3"), steps: 3)
        try trainer.run(onEvent: { event in
            guard case .step(let record) = event else { return }
            let (reconstruction, kl) = (record.batch.metrics["reconstruction"] ?? 0, record.batch.metrics["kl"] ?? 0)
            #expect(abs(record.batch.loss - reconstruction - 3 * kl) < 1e-9)
            #expect(kl > 0)
        })
        let capacity = try Fixtures.trainer(
            Fixtures.definition(
                "objective={reconstruction: bernoulli, capacity: {weight: 10, start: 4, end: 4, steps: 0}}"),
            steps: 3)
        try capacity.run(onEvent: { event in
            guard case .step(let record) = event else { return }
            let (reconstruction, kl) = (record.batch.metrics["reconstruction"] ?? 0, record.batch.metrics["kl"] ?? 0)
            let mean = kl / Double(record.batch.imageCount)
            let expected = 10 * abs(mean - 4) * Double(record.batch.imageCount)
            #expect(abs(record.batch.loss - reconstruction - expected) < 1e-6 * expected)
        })
    }
}

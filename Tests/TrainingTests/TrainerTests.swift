import Datasets
import ModelKit
import Planning
import TensorCore
import Testing
import Training

@Suite struct TrainerTests {
    @Test func learns() throws {
        let trainer = try Fixtures.trainer(Fixtures.definition())
        var losses: [Double] = []
        try trainer.run(onEvent: { event in
            if case .epoch(let record) = event { losses.append(record.test?.loss ?? .nan) }
        })
        #expect(losses.count == 4)
        #expect(losses[3] < losses[0] * 0.95)
        #expect(trainer.state.step == 4 * 10, "96 images in batches of 10 are 10 steps: the short batch counts")
    }

    @Test(arguments: [0, 3, 10, 17])
    func resumingIsExact(after stop: Int) throws {
        for optimizer in [
            "adam: {learning_rate: 0.01}", "adamw: {learning_rate: 0.01}",
            "sgd: {learning_rate: 0.001, momentum: 0.9, nesterov: true}",
        ] {
            let definition = try Fixtures.definition(
                "training.optimizer={\(optimizer)}", "training.average_decay=0.9", "training.clip_norm=5",
                "training.schedule=cosine", "training.warmup_steps=5", "objective.kl.warmup_steps=20",
                "training.epochs=2")
            let straight = try Fixtures.trainer(definition)
            try straight.run()

            let first = try Fixtures.trainer(definition)
            var left = stop
            if stop > 0 {
                try first.run(shouldStop: {
                    left -= 1
                    return left == 0
                })
            }
            let second = try Fixtures.trainer(definition)
            try second.plan.model.load(first.plan.model.parameters + first.plan.model.buffers)
            try second.plan.model.loadOptimizerState(first.plan.model.optimizerState)
            second.resume(from: first.state)
            try second.run()

            #expect(second.plan.model.parameters == straight.plan.model.parameters)
            #expect(second.plan.model.buffers == straight.plan.model.buffers)
            #expect(second.state == straight.state)
            for (a, b) in zip(second.plan.model.optimizerState, straight.plan.model.optimizerState) {
                #expect(a.slot == b.slot && a.tensors == b.tensors)
            }
        }
    }

    @Test func seedsDifferAndRepeat() throws {
        func parameters(_ seed: UInt64) throws -> [NamedTensor] {
            let trainer = try Fixtures.trainer(Fixtures.definition(), seed: seed, steps: 5)
            try trainer.run()
            return trainer.plan.model.parameters
        }
        let first = try parameters(1)
        #expect(try parameters(1) == first)
        #expect(try parameters(2) != first)
    }

    @Test func stopsEarlyWithoutImprovement() throws {
        let trainer = try Fixtures.trainer(
            Fixtures.definition(
                "training.patience=2", "training.epochs=50", "training.optimizer={sgd: {learning_rate: 1e-30}}"))
        let end = try trainer.run()
        #expect(end == .stoppedEarly(epoch: 3))
    }

    @Test func validationImagesComeFromTheTrainingImages() throws {
        let trainer = try Fixtures.trainer(Fixtures.definition("training.validation=16", "training.epochs=1"))
        #expect(trainer.splits.train.count == 80)
        #expect(trainer.splits.validation.count == 16)
        try trainer.run(onEvent: { event in
            if case .epoch(let record) = event { #expect(record.validation != nil) }
        })
    }

    @Test(arguments: Precision.allCases.filter(OneDNNEngine.supports))
    func aLossThatIsNotFiniteNamesStepAndTensor(_ precision: Precision) throws {
        let trainer = try Fixtures.trainer(
            Fixtures.definition("training.optimizer={sgd: {learning_rate: 1000}}"),
            engine: OneDNNEngine(precision: precision))
        let error = #expect(throws: ZooError.self) { try trainer.run() }
        #expect(error?.message.hasPrefix("step ") == true)
        #expect(error?.message.contains("the first tensor that is not finite is") == true)
        #expect(error?.advice?.contains("--learning-rate") == true)
    }

    /// What is not finite is looked for in what failed: the same precision, and parameters as they were before the step.
    @Test func theSearchForWhatIsNotFiniteWatchesTheEngineThatFailed() throws {
        let watching = try #require(OneDNNEngine(precision: .bf16).watching as? OneDNNEngine)
        #expect(watching.precision == .bf16 && watching.keepsEverything)

        let spoiled = try Fixtures.trainer(Fixtures.definition())
        let program = spoiled.plan.model.graph.program
        let weight = try #require(program.tensor(named: "decoder.conv1.weight"))
        spoiled.plan.model.compiled.write(
            [Float](repeating: .nan, count: program[weight].shape.count), to: weight)
        var error = #expect(throws: ZooError.self) { try spoiled.run() }
        #expect(error?.message.contains("the parameter decoder.conv1.weight, which an earlier step has") == true)

        let unreliable = try Fixtures.trainer(Fixtures.definition(), engine: UnreliableEngine())
        error = #expect(throws: ZooError.self) { try unreliable.run() }
        #expect(
            error?.message == "step 1: the gradient is not finite; run again with all tensors kept, the same batch "
                + "gives finite numbers only")
    }

    @Test func imagesOfAnotherShapeAreRefused() throws {
        let definition = try Fixtures.definition()
        let error = #expect(throws: ZooError.self) {
            try Trainer(definition, dataset: Sprites(), seed: 0, engine: OneDNNEngine())
        }
        #expect(error?.message.contains("[1, 64, 64]") == true)
    }
}

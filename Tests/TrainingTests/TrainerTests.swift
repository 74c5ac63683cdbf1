import Datasets
import ModelKit
import Planning
import TensorCore
import TestSupport
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
            if stop > 0 { try first.run(until: first.state.step >= stop) }
            let second = try Fixtures.trainer(definition)
            try second.plan.model.load(first.plan.model.parameters + first.plan.model.buffers)
            try second.plan.model.loadOptimizerState(first.plan.model.optimizerState)
            try second.resume(from: first.state)
            try second.run()

            #expect(second.plan.model.parameters == straight.plan.model.parameters)
            #expect(second.plan.model.buffers == straight.plan.model.buffers)
            #expect(second.state == straight.state)
            for (a, b) in zip(second.plan.model.optimizerState, straight.plan.model.optimizerState) {
                #expect(a.slot == b.slot && a.tensors == b.tensors)
            }
        }
    }

    /// What else a loss can have: states of discriminators, noise of several inputs, permutations, several samples.
    @Test(arguments: [
        "{reconstruction: bernoulli, kl_decomposition: {total_correlation: 6}}",
        "{reconstruction: bernoulli, kl_decomposition: {total_correlation: 6, estimator: minibatch_stratified}}",
        "{reconstruction: bernoulli, kl: {weight: 1}, adversarial_total_correlation: {weight: 6, discriminator: [{fc1: {linear: 8, activation: relu}}]}}",
        "{reconstruction: bernoulli, adversarial_prior: {weight: 6, discriminator: [{fc1: {linear: 8, activation: relu}}]}}",
        "{reconstruction: bernoulli, kl: {weight: 1}, covariance: {off_diagonal: 10, diagonal: 10, of: codes}}",
        "{reconstruction: bernoulli, mmd: {weight: 10}}", "{reconstruction: bernoulli, code_norm: {weight: 1}}",
        "{reconstruction: continuous_bernoulli, kl: {weight: 1}}",
        "{reconstruction: bernoulli, capacity: {weight: 10, start: 0, end: 5, steps: 30}}",
    ])
    func everyObjectiveResumesExactly(_ objective: String) throws {
        let definition = try Fixtures.definition("objective=\(objective)", "training.epochs=2")
        let straight = try Fixtures.trainer(definition)
        try straight.run()
        let first = try Fixtures.trainer(definition)
        try first.run(until: first.state.step >= 7)
        let second = try Fixtures.trainer(definition)
        try second.plan.model.load(first.plan.model.parameters + first.plan.model.buffers)
        try second.plan.model.loadOptimizerState(first.plan.model.optimizerState)
        try second.resume(from: first.state)
        try second.run()
        #expect(second.plan.model.parameters == straight.plan.model.parameters)
        #expect(second.state == straight.state)
        for (a, b) in zip(second.plan.model.optimizerState, straight.plan.model.optimizerState) {
            #expect(a.slot == b.slot && a.tensors == b.tensors)
        }
        // Every parameter of every group has moved.
        let begin = try Fixtures.trainer(definition)
        for (a, b) in zip(begin.plan.model.parameters, straight.plan.model.parameters) {
            #expect(a.values != b.values, "\(a.path) has not learned")
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

    /// Under a warm-up the loss rises with β while the model gets better: what is monitored is the loss at the last β.
    @Test(arguments: [
        "objective.kl={weight: 10, warmup_steps: 60}", "objective.kl={weight: 10, warmup_steps: 60, free_nats: 0.1}",
        "objective={reconstruction: bernoulli, capacity: {weight: 10, start: 0, end: 5, steps: 60}}",
    ])
    func theMonitoredLossIsThatAtTheEndOfTheSchedules(objective: String) throws {
        let definition = try Fixtures.definition(
            objective, "training.patience=1", "training.epochs=6",
            "training.optimizer={adam: {learning_rate: 1.0e-3}}")
        let trainer = try Fixtures.trainer(definition)
        var records: [EpochRecord] = []
        #expect(trainer.splits.validation.count == Patterns().indices(of: .train).count / 10)
        var validation: [Int: EvaluationSums] = [:]
        let plan = try EvaluationPlan(definition, batchSize: 250)
        try trainer.run(onEvent: { event in
            guard case .epoch(let record) = event else { return }
            records.append(record)
            try plan.load(trainer.plan.model.parameters + trainer.plan.model.buffers)
            validation[record.epoch] = try Evaluator(plan, dataset: Patterns()).sums(
                over: trainer.splits.validation, seed: trainer.seed, step: record.step - 1)
        })
        var best = Double.infinity
        for record in records {
            let test = try #require(record.test)
            let sums = try #require(record.latent)
            #expect(
                test == sums.means,
                "the losses are those of the weights beside them")
            // Early stopping goes by images kept from the training split, never by the test images.
            let kept = try #require(validation[record.epoch])
            #expect(record.validation == kept.means)
            #expect(record.scheduled == trainer.plan.scheduledNumbers(step: record.step - 1))
            let last = kept.meanFinalLoss
            #expect(record.monitoredLoss == last)
            #expect(record.isBest == (last < best))
            best = min(best, last)
        }
        let first = try #require(records.first)
        #expect(first.monitoredLoss != first.validation?.loss)
        #expect(trainer.state.bestLoss == best)
    }

    /// Without other images it is that of the training images, step by step at the last β.
    @Test func theMonitoredLossOfTrainingImages() throws {
        let definition = try Fixtures.definition(
            "objective.kl={weight: 10, warmup_steps: 60}", "training.epochs=2")
        let trainer = try Trainer(definition, dataset: TrainingOnly(), seed: 1, engine: CPUEngine())
        try trainer.run(onEvent: { event in
            guard case .epoch(let record) = event else { return }
            #expect(record.test == nil)
            let expected = record.train.reconstruction + 10 * record.train.kl
            #expect(abs(record.monitoredLoss - expected) < 1e-9 * expected)
            #expect(record.monitoredLoss > record.train.loss)
        })
    }

    /// One value per channel has no variance: PyTorch refuses it, too.
    @Test func batchNormNeedsMoreThanOneValue() throws {
        let onVectors = ["encoder=[{fc: {linear: 8}}, {bn: {batch_norm: {momentum: 1}}}]", "training.epochs=1"]
        func definition(batchSize: Int) throws -> ModelDefinition {
            try ModelDefinition(
                text: Fixtures.model, source: "small-vae",
                overrides: (onVectors + ["training.batch_size=\(batchSize)"]).map {
                    DefinitionOverride($0)
                }, registry: .builtIn)
        }
        let error = #expect(throws: ZooError.self) { try Fixtures.trainer(definition(batchSize: 1)) }
        #expect(error?.message.contains("batch norm of small-vae needs more than one value per channel") == true)
        #expect(error?.kind == .usage)
        // 96 = 5 · 19 + 1: the last image of an epoch is left out, and the running variance stays a variance.
        let trainer = try Fixtures.trainer(definition(batchSize: 19))
        #expect(trainer.stepsPerEpoch == 5)
        try trainer.run()
        #expect(trainer.state.step == 5)
        let variance = try #require(
            trainer.plan.model.buffers.first { $0.path == "encoder.bn.running_var" })
        #expect(variance.values.allSatisfy { $0 > 1e-4 }, "\(variance)")
        // On maps of more than a pixel an image has several values per channel.
        #expect(try Fixtures.trainer(Fixtures.definition("training.batch_size=19")).stepsPerEpoch == 6)
        #expect(throws: Never.self) { try Fixtures.trainer(Fixtures.definition("training.batch_size=1")) }
    }

    @Test func runsOfTooManyStepsAreRefused() throws {
        for steps in [Int.max, Trainer.maximumStepCount + 1, -1] {
            let error = #expect(throws: ZooError.self) { try Fixtures.trainer(Fixtures.definition(), steps: steps) }
            #expect(error?.message.contains("at most 4294967295 steps, not \(steps)") == true)
        }
        #expect(throws: Never.self) {
            try Fixtures.trainer(Fixtures.definition(), steps: Trainer.maximumStepCount)
        }
    }

    @Test func statesThatNoRunComesToAreRefused() throws {
        let trainer = try Fixtures.trainer(Fixtures.definition())
        let changes: [(String, (inout TrainingState) -> Void)] = [
            ("images", { $0.sums.images = .max }), ("batches", { $0.batch = 11 }), ("steps", { $0.step = .max }),
            ("epochs", { $0.epoch = -1 }), ("epochs without improvement", { $0.epochsWithoutImprovement = .max }),
            ("not finite", { $0.sums.loss = .nan }),
        ]
        for (what, change) in changes {
            var state = TrainingState(metricNames: trainer.plan.metricNames)
            change(&state)
            let error = #expect(throws: ZooError.self) { try trainer.resume(from: state) }
            #expect(error?.message.contains(what) == true)
        }
    }

    @Test func validationImagesComeFromTheTrainingImages() throws {
        let trainer = try Fixtures.trainer(Fixtures.definition("training.validation=16", "training.epochs=1"))
        #expect(trainer.splits.train.count == 80)
        #expect(trainer.splits.validation.count == 16)
        try trainer.run(onEvent: { event in
            if case .epoch(let record) = event { #expect(record.validation != nil) }
        })
    }

    @Test(arguments: Precision.allCases.filter(CPUEngine.supports))
    func aLossThatIsNotFiniteNamesStepAndTensor(_ precision: Precision) throws {
        let trainer = try Fixtures.trainer(
            Fixtures.definition("training.optimizer={sgd: {learning_rate: 1000}}"),
            engine: CPUEngine(precision: precision))
        let error = #expect(throws: ZooError.self) { try trainer.run() }
        #expect(error?.message.hasPrefix("step ") == true)
        #expect(error?.message.contains("the first tensor that is not finite is") == true)
        #expect(error?.remedy == .stabilize)
        #expect(error?.code == .notFinite)
    }

    /// A parameter that no loss shows, behind a tanh that is 1 or -1, grows until the last step spoils it.
    @Test func aParameterThatTheLastStepSpoilsNamesTheStep() throws {
        let text = """
            format: zoo.model/1
            name: small-autoencoder
            family: autoencoder
            summary: A code between -1 and 1
            input: [1, 8, 8]
            latent: {size: 2, code: {code: {activation: tanh}}}
            encoder: []
            decoder: [{fc: {linear: 64, activation: sigmoid}}, {reshape: [1, 8, 8]}]
            objective: {reconstruction: gaussian}
            training: {optimizer: {sgd: {learning_rate: 1000, weight_decay: 10}}, batch_size: 16, epochs: 1}
            """
        let definition = try ModelDefinition(text: text, source: "small.yaml", registry: .builtIn)
        var errors: [ZooError] = []
        for steps in 1...12 where errors.isEmpty {
            let trainer = try Fixtures.trainer(definition, steps: steps)
            do { try trainer.run() } catch let error as ZooError { errors.append(error) }
        }
        let error = try #require(errors.first)
        #expect(error.message.contains("made of the parameter") && error.message.hasSuffix("is not finite"), "\(error)")
        #expect(error.remedy == .stabilize && error.code == .notFinite)
    }

    /// What is not finite is looked for in what failed: the same precision, and parameters as they were before the step.
    @Test func theSearchForWhatIsNotFiniteWatchesTheEngineThatFailed() throws {
        let watching = try #require(CPUEngine(precision: .bf16).keepingEverything as? CPUEngine)
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
            try Trainer(definition, dataset: Sprites(), seed: 0, engine: CPUEngine())
        }
        #expect(error?.message.contains("[1, 64, 64]") == true)
    }
}

import Foundation
import LayerLibrary
import ModelKit
import ObjectiveLibrary
import TensorCore
import Testing

/// Every field of the objective and the recipe reaches the definition.
@Suite struct DefinitionFieldTests {
    private func objective(_ yaml: String) throws -> Objective {
        try read(small("{reconstruction: bernoulli, kl: {weight: 1}}", yaml)).objective
    }

    private func recipe(_ fields: String) throws -> TrainingSettings {
        try read(small("{adam: {learning_rate: 1.0e-3}}, batch_size: 4, epochs: 2", fields)).training
    }

    @Test func aCodebookWithoutAPriorSaysWhatLearnsOne() throws {
        let text = small("mean: mean, log_variance: log_variance", "code: code, codebook: 4")
            .replacingOccurrences(of: "kl: {weight: 1}", with: "commitment: {weight: 1}")
        let definition = try ModelDefinition(text: text, source: "model.yaml", registry: .builtIn)
        let error = #expect(throws: ZooError.self) {
            try definition.requirePrior("to draw from", advice: "draw from mixture:N")
        }
        #expect(error?.advice?.hasPrefix("objective.autoregressive_prior learns one") == true)
    }

    @Test func readsTheSmallDefinition() throws {
        let definition = try read(smallDefinition)
        #expect(definition.name == "small")
        #expect(definition.family == "vae")
        #expect(definition.summary == "A small model")
        #expect(definition.dataset == nil)
        #expect(definition.input == [1, 8, 8])
        #expect(definition.latentSize == 2)
        #expect(definition.isVariational)
        #expect(definition.encoder.map(\.name) == ["conv1"])
        #expect(definition.decoder.map(\.kind) == ["linear"])
        let convolution = try #require(definition.encoder[0].layer as? Convolution2D)
        #expect(convolution.filters == 4)
        #expect(
            convolution.window
                == Window(kernel: Window.Extent(4), stride: Window.Extent(2), padding: Window.Extent(1)))
        #expect(convolution.settings == WeightSettings())
    }

    /// It holds for the layers of encoder and decoder that say nothing, not for the heads.
    @Test func readsTheWeightInitializer() throws {
        let text = small("latent: {size", "weight_initializer: he_uniform\nlatent: {size")
        let definition = try read(text)
        func settings(_ layer: NamedLayer) -> WeightSettings? {
            (layer.layer as? Convolution2D)?.settings ?? (layer.layer as? Linear)?.settings
        }
        #expect(definition.encoder.map { settings($0)?.weight } == [.heUniform])
        #expect(definition.decoder.map { settings($0)?.weight } == [.heUniform])
        guard case .gaussian(let mean, _) = definition.latent else {
            Issue.record("there are no heads")
            return
        }
        #expect(settings(mean) == WeightSettings())
        // A model in Swift has no such field: what is written says it layer by layer, and reads back the same.
        let written = try ModelDefinition(
            text: definition.yaml(), source: "written", registry: .builtIn)
        #expect(settings(written.encoder[0])?.weight == .heUniform)
        let overridden = try ModelDefinition(
            text: text, source: "text", overrides: [DefinitionOverride(path: ["weight_initializer"], value: "zeros")],
            registry: .builtIn)
        #expect(settings(overridden.encoder[0])?.weight == .constant(0))
        #expect(throws: DefinitionError.self) { try read(text.replacing("he_uniform", with: "he_unifrom")) }
    }

    @Test func readsReferencesAndDataset() throws {
        let text = small(
            "summary: A small model",
            "summary: A\nreferences: [{title: T, authors: A and B, year: 2013, url: u}, {title: S}]\ndataset: mnist")
        let definition = try read(text)
        #expect(definition.dataset == "mnist")
        #expect(
            definition.references.map(\.title) == ["T", "S"] && definition.references[0].authors == "A and B"
                && definition.references[0].year == 2013 && definition.references[0].url == "u")
    }

    @Test func readsObjectives() throws {
        let plain = try objective("{reconstruction: bernoulli, kl: {weight: 1}}")
        #expect(plain.terms.map(\.name) == ["bernoulli"] && plain.terms[0].weight == 1)
        #expect(plain.regularizers.first as? KLDivergence == KLDivergence(weight: 1))
        #expect(
            try objective("{reconstruction: laplace, kl: {weight: 4, warmup_steps: 10}}").regularizers.first
                as? KLDivergence == KLDivergence(weight: 4, warmupSteps: 10))
        let free = try objective("{reconstruction: gaussian, kl: {weight: 1, free_nats: 0.5}}")
        #expect(free.regularizers.first as? KLDivergence == KLDivergence(weight: 1, freeNats: 0.5))
        let capacity = try objective(
            "{reconstruction: bernoulli, capacity: {weight: 1000, start: 1, end: 25, steps: 100}}")
        #expect(capacity.regularizers.first as? Capacity == Capacity(weight: 1000, from: 1, to: 25, over: 100))
    }

    @Test(arguments: ["bernoulli", "gaussian", "gaussian_learned_variance", "laplace"])
    func readsEveryLikelihood(_ name: String) throws {
        let definition = try read(small("reconstruction: bernoulli", "reconstruction: \(name)"))
        #expect(definition.objective.terms.map(\.name) == [name])
        let graph = try ModelGraph(definition, purpose: .training)
        let hasSigma = graph.program.parameters.contains { graph.program[$0].name == "objective.log_sigma" }
        #expect(hasSigma == (name == "gaussian_learned_variance"))
    }

    @Test func readsMixedLikelihoods() throws {
        let mixed = try objective("{reconstruction: {gaussian: 2, bernoulli: 0.5}, kl: {weight: 1}}")
        #expect(mixed.terms.map(\.name) == ["bernoulli", "gaussian"])
        #expect(mixed.terms.map(\.weight) == [0.5, 2])
        #expect(mixed.formula == "0.5·bernoulli + 2·gaussian + KL")
    }

    @Test func readsOptimizers() throws {
        let rest = ", batch_size: 4, epochs: 2"
        let adam = try recipe(
            "{adam: {learning_rate: 0.5, beta1: 0.1, beta2: 0.2, epsilon: 0.3, weight_decay: 0.4}}" + rest)
        #expect(adam.learningRate == 0.5)
        #expect(adam.update.method == .adam(beta1: 0.1, beta2: 0.2, epsilon: 0.3, weightDecay: 0.4))
        #expect(
            try recipe("{adam: {learning_rate: 1}}" + rest).update.method
                == .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0))
        #expect(
            try recipe("{adamw: {learning_rate: 1}}" + rest).update.method
                == .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01))
        #expect(
            try recipe("{sgd: {learning_rate: 1, momentum: 0.9, nesterov: true, weight_decay: 0.1}}" + rest).update
                .method
                == .sgd(momentum: 0.9, nesterov: true, weightDecay: 0.1))
    }

    @Test func readsRecipes() throws {
        let plain = try recipe("{adam: {learning_rate: 1.0e-3}}, batch_size: 4, epochs: 2")
        #expect(plain.batchSize == 4 && plain.epochs == 2 && plain.schedule == .constant && plain.warmupSteps == 0)
        #expect(plain.validationCount == 0 && plain.patience == nil)
        #expect(plain.update.clipNorm == nil && plain.update.averageDecay == nil)
        let full = try recipe(
            "{adam: {learning_rate: 1}}, batch_size: 8, epochs: 3, warmup_steps: 5, clip_norm: 1.5, average_decay: 0.75, "
                + "validation: 100, patience: 4, schedule: {step: {epochs: 2, factor: 0.5}}")
        #expect(full.batchSize == 8 && full.epochs == 3 && full.warmupSteps == 5 && full.validationCount == 100)
        #expect(full.patience == 4 && full.schedule == .step(epochs: 2, factor: 0.5))
        #expect(full.update.clipNorm == 1.5 && full.update.averageDecay == 0.75)
        #expect(
            try recipe("{adam: {learning_rate: 1}}, batch_size: 8, epochs: 3, schedule: cosine").schedule
                == .cosine(minimum: 0))
        #expect(
            try recipe("{adam: {learning_rate: 1}}, batch_size: 8, epochs: 3, schedule: {cosine: {minimum: 0.1}}")
                .schedule
                == .cosine(minimum: 0.1))
    }

    @Test func readsLayerFields() throws {
        let text = small(
            "padding: 1}, activation: relu}",
            "padding: [1, 0], bias: false, weight_initializer: {normal: 0.5}, bias_initializer: zeros}, "
                + "activation: {leaky_relu: {slope: 0.25}}}")
        let definition = try read(text)
        let layer = definition.encoder[0]
        let convolution = try #require(layer.layer as? Convolution2D)
        #expect(convolution.window.padding == Window.Extent(1, 0))
        #expect(
            convolution.settings
                == WeightSettings(hasBias: false, weight: .normal(deviation: 0.5), bias: .constant(0)))
        guard case .builtIn(.leakyReLU(slope: 0.25)) = layer.activation else {
            Issue.record("the activation is \(layer.activation)")
            return
        }
    }

    @Test func readsAugmentation() throws {
        let rest = "{adam: {learning_rate: 1}}, batch_size: 4, epochs: 2"
        #expect(try recipe(rest).augmentation == nil)
        #expect(try recipe(rest + ", augmentation: {}").augmentation == nil)
        #expect(
            try recipe(rest + ", augmentation: {flip: both, shift: 2, crop: 0.75}").augmentation
                == Augmentation(flip: .both, shift: 2, crop: 0.75))
        // Written, and read again.
        let changed = try read(
            text(of: "conv-vae-mnist"), set: ["training.augmentation.shift=3", "training.augmentation.flip=vertical"])
        #expect(changed.training.augmentation == Augmentation(flip: .vertical, shift: 3))
        #expect(try read(changed.text).training == changed.training)
        #expect(try read(changed.yaml()).training == changed.training)
    }

    @Test func overridesChangeTheDefinitionAndItsText() throws {
        let changed = try read(
            text(of: "mlp-vae-mnist"),
            set: [
                "latent.size=10", "objective.kl.weight=4", "encoder.fc1.linear.units=32",
                "training.optimizer={sgd: {learning_rate: 0.5}}", "training.schedule=cosine",
            ])
        #expect(changed.latentSize == 10)
        #expect((changed.objective.regularizers.first as? KLDivergence)?.weight == 4)
        #expect((changed.encoder[0].layer as? Linear)?.units == 32)
        #expect(changed.training.learningRate == 0.5 && changed.training.schedule == .cosine(minimum: 0))
        let again = try read(changed.text)
        #expect(again.latentSize == 10 && (again.objective.regularizers.first as? KLDivergence)?.weight == 4)
        #expect((again.encoder[0].layer as? Linear)?.units == 32 && again.training == changed.training)
    }

    @Test func aliasesStandForWhatTheyName() throws {
        let text = small(
            "conv1: {conv2d: {filters: 4, kernel: 4, stride: 2, padding: 1}, activation: relu}",
            "fc1: &wide {linear: 16}"
        )
        .replacingOccurrences(of: "decoder:\n", with: "decoder:\n  - fc0: *wide\n")
        #expect((try read(text).decoder[0].layer as? Linear)?.units == 16)
        let changed = try read(text, set: ["latent.size=3"])
        #expect((try read(changed.text).decoder[0].layer as? Linear)?.units == 16)
    }
}

import Testing
import Zoo

/// Definitions made of values, and their text.
@Suite struct DefinitionInSwiftTests {
    private static let names = ((try? Registry.zoo())?.models ?? []).map(\.name)

    /// What is written is read back as the same program, with the same first weights and training settings.
    @Test(arguments: names) func writtenAnew(_ name: String) throws {
        let registry = try Registry.zoo()
        let definition = try registry.definition(name)
        let again = try ModelDefinition(text: definition.yaml(), source: name, registry: registry)
        #expect(again.training == definition.training)
        #expect(again.input == definition.input)
        #expect(again.latentSize == definition.latentSize)
        #expect(again.objective.formula == definition.objective.formula)
        #expect(again.references == definition.references)
        #expect(
            [again.name, again.family, again.summary, again.dataset] == [
                definition.name, definition.family, definition.summary, definition.dataset,
            ])
        let (first, second) = (
            try ModelGraph(definition, purpose: .training), try ModelGraph(again, purpose: .training)
        )
        #expect(first.initialParameters(seed: 3) == second.initialParameters(seed: 3))
        #expect(first.program.steps.map { "\($0)" } == second.program.steps.map { "\($0)" })
        #expect(try again.yaml() == definition.yaml())
    }

    @Test func everyKindOfLayer() throws {
        let square = { (side: Int) in Window.Extent(side) }
        let settings = WeightSettings(hasBias: false, weight: .heNormal, bias: .constant(0.5))
        let definition = try ModelDefinition(
            name: "everything", family: "vae", summary: "All: of it, \"quoted\" #1",
            references: [
                .init(title: "Title: with colon", authors: "A and B", year: 2020, url: "https://example.org/#x")
            ], dataset: "mnist", input: [1, 28, 28], latent: .gaussian(size: 3, settings: settings),
            encoder: [
                .layer(
                    "conv",
                    Convolution2D(
                        filters: 4, window: Window(kernel: .init(3, 5), stride: square(1), padding: .init(1, 2)),
                        settings: settings), activation: .leakyReLU(slope: 0.2)),
                .layer("bn", BatchNorm(epsilon: 1e-4, momentum: 0.2)), .layer("gn", GroupNorm(groups: 2)),
                .layer("ln", LayerNorm()),
                .layer("pool", MaxPool2D(window: Window(kernel: square(2), stride: square(2)))),
                .layer("mean_pool", AveragePool2D(window: Window(kernel: square(2), stride: square(2)))),
                .layer(
                    "res",
                    Residual(layers: [
                        .layer("c", Convolution2D(filters: 4, window: Window(kernel: square(3), padding: square(1))))
                    ]), activation: .elu(alpha: 0.7)),
                .layer("act", ActivationLayer(function: .builtIn(.softplus))), .layer("drop", Dropout(rate: 0.1)),
                .layer("flat", Flatten()),
            ],
            decoder: [
                .layer("fc", Linear(units: 4 * 7 * 7), activation: .gelu), .layer("shape", Reshape(shape: [4, 7, 7])),
                .layer("up", Upsample(factor: square(2))),
                .layer(
                    "t",
                    TransposedConvolution2D(
                        filters: 1,
                        window: Window(
                            kernel: square(3), stride: square(2), padding: square(1), outputPadding: square(1))),
                    activation: .sigmoid),
            ],
            objective: Objective(
                Objective.Term(.bernoulli, weight: 0.5), .laplace,
                regularizers: [Capacity(weight: 10, from: 0.5, to: 20, over: 1000)]),
            training: TrainingSettings(
                optimizer: .sgd(momentum: 0.9, nesterov: true, weightDecay: 1e-4), learningRate: 0.05, clipNorm: 1,
                averageDecay: 0.999, schedule: .step(epochs: 3, factor: 0.1), warmupSteps: 20, batchSize: 32, epochs: 7,
                validationCount: 100, patience: 2, precision: .bf16, convolution: .direct))
        let again = try ModelDefinition(text: definition.text, source: "again", registry: .builtIn)
        #expect(again.training == definition.training)
        #expect(again.objective.formula == definition.objective.formula)
        #expect(again.references == definition.references)
        #expect(again.summary == definition.summary)
        let (first, second) = (
            try ModelGraph(definition, purpose: .training), try ModelGraph(again, purpose: .training)
        )
        #expect(first.initialParameters(seed: 3) == second.initialParameters(seed: 3))
        #expect(first.program.steps.map { "\($0)" } == second.program.steps.map { "\($0)" })
        #expect(try again.yaml() == definition.text)
    }

    /// All problems at once, as of a file.
    @Test func wrongDefinitions() {
        let error = #expect(throws: DefinitionError.self) {
            try ModelDefinition(
                name: "Not a name", family: "vae", summary: "Wrong.", input: [1, 8, 8], latent: .gaussian(size: 0),
                encoder: [.layer("conv", Convolution2D(filters: 0, window: Window(kernel: .init(3))))],
                decoder: [.layer("fc", Linear(units: 64))], objective: Objective(.bernoulli, beta: -1))
        }
        let paths = Set((error?.problems ?? []).map(\.path))
        #expect(paths.isSuperset(of: ["name", "latent.size", "encoder.conv.conv2d.filters", "objective.kl.weight"]))
    }
}

import LayerLibrary
import ModelKit
import ObjectiveLibrary
import TensorCore

/// A plug-in: a layer, a likelihood, a regulariser and a model that uses them.
public enum ExamplePlugIn {
    /// The registry with the plug-in's parts in it.
    ///
    /// - Throws: `ZooError` for a name that is taken.
    public static func extend(_ registry: Registry) throws -> Registry {
        let parts = try registry.adding(
            layers: [ChannelScale.descriptor], likelihoods: [PseudoHuber.descriptor],
            regularizers: [MomentMatching.descriptor])
        let model = try definition(parts)
        return try parts.adding(models: [ModelSource(name: model.name, text: model.text, origin: .plugIn)])
    }

    private static func definition(_ registry: Registry) throws -> ModelDefinition {
        try ModelDefinition(
            name: "scaled-vae-mnist", family: "vae",
            summary: "A VAE on MNIST with scaled channels and a robust reconstruction loss",
            references: [
                .init(
                    title: "Going deeper with Image Transformers", authors: "Touvron and others", year: 2021,
                    url: "https://arxiv.org/abs/2103.17239")
            ],
            dataset: "mnist", input: [1, 28, 28], latent: .gaussian(size: 8),
            encoder: [
                .layer(
                    "conv1", Convolution2D(filters: 8, window: Window(kernel: .init(4), stride: .init(4))),
                    activation: .relu),
                .layer("scale1", ChannelScale(initial: 0.5)),
            ],
            decoder: [
                .layer("fc1", Linear(units: 64), activation: .relu),
                .layer("scale2", ChannelScale(initial: 0.5), activation: .relu),
                .layer("fc2", Linear(units: 784), activation: .sigmoid),
            ],
            objective: Objective(
                .init(.custom(PseudoHuber(delta: 0.1))),
                regularizers: [KLDivergence(weight: 0.01), MomentMatching(weight: 0.1)]),
            training: TrainingSettings(batchSize: 64, epochs: 1), registry: registry)
    }
}

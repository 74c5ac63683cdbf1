import ModelKit

/// A plug-in: a layer, a likelihood and a model that uses both.
public enum ExamplePlugIn {
    /// The registry with the plug-in's parts in it.
    ///
    /// - Throws: `ZooError` for a name that is taken.
    public static func extend(_ registry: Registry) throws -> Registry {
        try registry.adding(
            layers: [ChannelScale.descriptor], likelihoods: [PseudoHuber.descriptor],
            models: [ModelSource(name: "scaled-vae-mnist", text: definition, origin: .plugIn)])
    }

    private static let definition = """
        format: zoo.model/1
        name: scaled-vae-mnist
        family: vae
        summary: A VAE on MNIST with scaled channels and a robust reconstruction loss
        references:
          - {title: Going deeper with Image Transformers, authors: Touvron and others, year: 2021, url: "https://arxiv.org/abs/2103.17239"}
        dataset: mnist
        input: [1, 28, 28]
        latent: {size: 8, mean: mean, log_variance: log_variance}
        encoder:
          - conv1: {conv2d: {filters: 8, kernel: 4, stride: 4}, activation: relu}
          - scale1: {channel_scale: 0.5}
        decoder:
          - fc1: {linear: {units: 64}, activation: relu}
          - scale2: {channel_scale: {initial: 0.5}, activation: relu}
          - fc2: {linear: {units: 784}, activation: sigmoid}
        objective: {reconstruction: pseudo_huber, kl: {weight: 0.01}}
        training: {optimizer: {adam: {learning_rate: 1.0e-3}}, batch_size: 64, epochs: 1}

        """
}

import ModelKit

/// The models and recipes that come with the zoo: the files of `zoo/definitions` and `zoo/recipes`, compiled into the
/// program.
public enum ZooModels {
    /// Every built-in definition, sorted by name.
    public static let sources: [ModelSource] = [
        source("adversarial-autoencoder-mnist", PackageResources.adversarial_autoencoder_mnist_yaml),
        source("annealed-vae-dsprites", PackageResources.annealed_vae_dsprites_yaml),
        source("annealed-vae-sprites", PackageResources.annealed_vae_sprites_yaml),
        source("autoencoder-mnist", PackageResources.autoencoder_mnist_yaml),
        source("beta-tcvae-sprites", PackageResources.beta_tcvae_sprites_yaml),
        source("beta-vae-color-sprites", PackageResources.beta_vae_color_sprites_yaml),
        source("beta-vae-dsprites", PackageResources.beta_vae_dsprites_yaml),
        source("beta-vae-mnist", PackageResources.beta_vae_mnist_yaml),
        source("beta-vae-sprites", PackageResources.beta_vae_sprites_yaml),
        source("conditional-vae-mnist", PackageResources.conditional_vae_mnist_yaml),
        source("contractive-autoencoder-mnist", PackageResources.contractive_autoencoder_mnist_yaml),
        source("conv-autoencoder-cifar", PackageResources.conv_autoencoder_cifar_yaml),
        source("conv-vae-celeba", PackageResources.conv_vae_celeba_yaml),
        source("conv-vae-cifar", PackageResources.conv_vae_cifar_yaml),
        source("conv-vae-cifar-mixture", PackageResources.conv_vae_cifar_mixture_yaml),
        source("conv-vae-mnist", PackageResources.conv_vae_mnist_yaml),
        source("denoising-autoencoder-mnist", PackageResources.denoising_autoencoder_mnist_yaml),
        source("dip-vae-i-sprites", PackageResources.dip_vae_i_sprites_yaml),
        source("dip-vae-ii-sprites", PackageResources.dip_vae_ii_sprites_yaml),
        source("factor-vae-sprites", PackageResources.factor_vae_sprites_yaml),
        source("info-vae-mnist", PackageResources.info_vae_mnist_yaml),
        source("iwae-mnist", PackageResources.iwae_mnist_yaml),
        source("ladder-vae-mnist", PackageResources.ladder_vae_mnist_yaml),
        source("m2-mnist", PackageResources.m2_mnist_yaml),
        source("mlp-vae-cifar", PackageResources.mlp_vae_cifar_yaml),
        source("mlp-vae-mnist", PackageResources.mlp_vae_mnist_yaml),
        source("mlp-vae-mnist-2d", PackageResources.mlp_vae_mnist_2d_yaml),
        source("mlp-vae-mnist-continuous", PackageResources.mlp_vae_mnist_continuous_yaml),
        source("mlp-vae-points", PackageResources.mlp_vae_points_yaml),
        source("piwae-mnist", PackageResources.piwae_mnist_yaml),
        source("planar-flow-vae-mnist", PackageResources.planar_flow_vae_mnist_yaml),
        source("rae-mnist", PackageResources.rae_mnist_yaml),
        source("sparse-autoencoder-mnist", PackageResources.sparse_autoencoder_mnist_yaml),
        source("vamp-prior-vae-mnist", PackageResources.vamp_prior_vae_mnist_yaml),
        source("vq-vae-cifar", PackageResources.vq_vae_cifar_yaml),
        source("vq-vae-mnist", PackageResources.vq_vae_mnist_yaml),
        source("wae-mmd-mnist", PackageResources.wae_mmd_mnist_yaml),
        source("worked-autoencoder", PackageResources.worked_autoencoder_yaml),
        source("worked-vae", PackageResources.worked_vae_yaml),
    ]

    /// Every recipe, sorted by name.
    ///
    /// - Throws: `ZooError` or `DefinitionError` for a file of `zoo/recipes` that is wrong.
    public static func recipes() throws -> [Recipe] {
        try [
            source("bce-mse-both", PackageResources.bce_mse_both_yaml),
            source("conv-vs-mlp-cifar", PackageResources.conv_vs_mlp_cifar_yaml),
            source("disentanglement", PackageResources.disentanglement_yaml),
            source("interpolate-5-to-4", PackageResources.interpolate_5_to_4_yaml),
            source("kl-weights", PackageResources.kl_weights_yaml),
            source("latent-sizes", PackageResources.latent_sizes_yaml),
            source("regions", PackageResources.regions_yaml),
        ].map { try Recipe(text: $0.text, source: "the recipe \($0.name)") }
    }

    /// The trained models of `zoo/weights`, which the package manager copies beside the program: too large to be compiled into it.
    public static let pretrained = PretrainedModels(besideProgram: "zoo_ZooModels.resources")

    /// The zoo's layers, activations and likelihoods with the built-in and the trained models.
    ///
    /// - Throws: `ZooError` for a name that is taken.
    public static func registry() throws -> Registry {
        try Registry.builtIn.adding(models: sources).with(pretrained: pretrained)
    }

    private static func source(_ name: String, _ bytes: [UInt8]) -> ModelSource {
        ModelSource(name: name, text: String(decoding: bytes, as: UTF8.self), origin: .builtIn)
    }
}

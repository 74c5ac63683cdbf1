import Foundation
import ModelKit
import Planning
import TensorCore
import Testing

/// What `Golden/families.json` says: numbers that PyTorch computed in double precision (`tools/reference/families.py`).
struct FamilyGolden: Decodable, Sendable {
    struct Family: Decodable, Sendable {
        /// Those that differ from the common ones, by name.
        var weights: [String: [Float]]
        /// Of the first step, without their weights.
        var terms: [String: Double]
        /// Of the first step, by the parameter's name.
        var gradients: [String: [Double]]
        /// Of ten steps.
        var losses: [Double]
        var otherLosses: [String: [Double]]
        /// Of a codebook, by name; nil without.
        var buffersAfterTenSteps: [String: [Double]]?
        /// The classes of the images, of a conditional model.
        var labels: [Int32]?
    }

    struct Random: Decodable, Sendable {
        /// `[6, 3]`.
        var noise0: [Double]
        var noise1: [Double]
        var noise1Step9: [Double]
        /// `[3, 6]`.
        var permutations: [[Int]]
    }

    var images: [UInt8]
    var seed: UInt64
    var datasetSize: Int
    var random: Random
    var weights: [String: [Float]]
    var families: [String: Family]

    static let shared = Result {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/families.json")
        return try JSONDecoder().decode(FamilyGolden.self, from: Data(contentsOf: url))
    }
}

/// A family of models on the small network of `tools/reference/families.py`.
struct FamilyCase: Sendable, CustomTestStringConvertible {
    /// As in the golden file.
    var name: String
    /// The section `objective`, in YAML.
    var objective: String
    /// Whether the encoder gives a code and no distribution.
    var isDeterministic = false
    /// How many classes encoder and decoder are told; nil for none.
    var classCount: Int?
    /// Whether the decoder ends in a sigmoid.
    var endsInSigmoid = true
    var inputChannels = 1
    /// Numbers that the decoder gives.
    var outputCount = 16
    /// What follows the layer of the code.
    var codeActivation = "identity"
    /// Whether `fc1` of the encoder is there.
    var hasHiddenLayer = true
    /// The fields of a codebook, in YAML; nil for codes that are real numbers.
    var codebook: String?
    /// Whether the gradient is the loss's derivative: not where it goes straight through a choice of the nearest.
    var isDifferentiable: Bool { codebook == nil }
    /// Latents above, in YAML; nil for none.
    var levels: String?
    /// The first of the encoder, in YAML; nil for none besides `flatten` and `fc1`.
    var firstLayer: String?
    /// Terms of the golden file by our names, where they differ.
    var terms: [String: String] = [:]
    /// Terms of the golden file that we do not report.
    var unreported: Set<String> = []

    var testDescription: String { name }

    func definition() throws -> ModelDefinition {
        let latent =
            isDeterministic
            ? "{size: 3, code: {code: {activation: \(codeActivation)}}\(codebook.map { ", codebook: \($0)" } ?? "")}"
            : "{size: 3, mean: mean, log_variance: log_variance\(levels.map { ", levels: [\($0)]" } ?? "")}"
        let text = """
            format: zoo.model/1
            name: small
            family: vae
            summary: the network of the golden numbers
            input: [\(inputChannels), 4, 4]
            latent: \(latent)
            encoder:
            \(firstLayer.map { "  - \($0)" } ?? "  # nothing before")
              - flatten: {flatten: {}}
            \(classCount.map { "  - class: {condition: \($0)}" } ?? "")
            \(hasHiddenLayer ? "  - fc1: {linear: {units: 12}, activation: tanh}" : "")
            decoder:
            \(classCount.map { "  - class: {condition: \($0)}" } ?? "")
              - fc1: {linear: {units: 12}, activation: tanh}
              - out: {linear: {units: \(outputCount)}\(endsInSigmoid ? ", activation: sigmoid" : "")}
            objective: \(objective)
            training: {optimizer: {adam: {learning_rate: 0.01}}, batch_size: 6, epochs: 1}
            """
        return try ModelDefinition(text: text, source: name, registry: .builtIn)
    }

    /// A latent above, of `size` dimensions.
    static func level(_ number: Int, size: Int) -> String {
        "{size: \(size), encoder: [{fc\(number): {linear: {units: 8}, activation: tanh}}], mean: mean\(number), log_variance: log_variance\(number), prior: [{fc1: {linear: {units: 8}, activation: tanh}}]}"
    }

    static let all: [FamilyCase] = {
        func discriminator(_ activation: String) -> String {
            "discriminator: [{fc1: {linear: {units: 8}, activation: \(activation)}}], learning_rate: 0.001"
        }
        return [
            FamilyCase(name: "vae", objective: "{reconstruction: bernoulli, kl: {weight: 1}}"),
            FamilyCase(name: "beta_vae", objective: "{reconstruction: bernoulli, kl: {weight: 4}}"),
            FamilyCase(
                name: "beta_tc_vae_mws",
                objective: "{reconstruction: bernoulli, kl_decomposition: {total_correlation: 6}}"),
            FamilyCase(
                name: "beta_tc_vae_mss",
                objective:
                    "{reconstruction: bernoulli, kl_decomposition: {total_correlation: 6, estimator: minibatch_stratified}}"
            ),
            FamilyCase(
                name: "dip_vae_i",
                objective:
                    "{reconstruction: bernoulli, kl: {weight: 1}, covariance: {off_diagonal: 10, diagonal: 100}}",
                terms: ["dip_off_diagonal": "covariance_off_diagonal", "dip_diagonal": "covariance_diagonal"],
                unreported: ["dip"]),
            FamilyCase(
                name: "dip_vae_ii",
                objective:
                    "{reconstruction: bernoulli, kl: {weight: 1}, covariance: {off_diagonal: 10, diagonal: 10, of: codes}}",
                terms: ["dip_off_diagonal": "covariance_off_diagonal", "dip_diagonal": "covariance_diagonal"],
                unreported: ["dip"]),
            FamilyCase(
                name: "info_vae_rbf", objective: "{reconstruction: bernoulli, kl: {weight: 0.5}, mmd: {weight: 9.5}}"),
            FamilyCase(
                name: "info_vae_imq",
                objective: "{reconstruction: bernoulli, kl: {weight: 0.5}, mmd: {weight: 9.5, kernel: imq}}"),
            FamilyCase(
                name: "wae_rbf",
                objective: "{reconstruction: {gaussian: 2}, mmd: {weight: 10, unbiased: true}}", isDeterministic: true,
                endsInSigmoid: false),
            FamilyCase(
                name: "wae_imq",
                objective: "{reconstruction: {gaussian: 2}, mmd: {weight: 10, kernel: imq, unbiased: true}}",
                isDeterministic: true, endsInSigmoid: false),
            FamilyCase(
                name: "factor_vae",
                objective:
                    "{reconstruction: bernoulli, kl: {weight: 1}, adversarial_total_correlation: {weight: 6.4, \(discriminator("{leaky_relu: {slope: 0.2}}"))}}",
                terms: ["discriminator": "total_correlation_discriminator"]),
            FamilyCase(
                name: "adversarial_ae_deterministic",
                objective: "{reconstruction: bernoulli, adversarial_prior: {weight: 0.5, \(discriminator("relu"))}}",
                isDeterministic: true, terms: ["discriminator": "prior_discriminator"]),
            FamilyCase(
                name: "iwae", objective: "{reconstruction: bernoulli, importance_weighting: {samples: 5}}",
                unreported: ["kl"]),
            FamilyCase(
                name: "miwae", objective: "{reconstruction: bernoulli, importance_weighting: {samples: 5, repeats: 3}}",
                unreported: ["kl"]),
            FamilyCase(
                name: "ciwae",
                objective: "{reconstruction: bernoulli, importance_weighting: {samples: 5, lower_bound_share: 0.5}}",
                terms: ["vae": "negative_elbo", "iwae": "importance_weighted"], unreported: ["kl"]),
            FamilyCase(
                name: "continuous_bernoulli", objective: "{reconstruction: continuous_bernoulli, kl: {weight: 1}}"),
            FamilyCase(
                name: "gaussian_pixel_variance",
                objective: "{reconstruction: gaussian_pixel_variance, kl: {weight: 1}}",
                endsInSigmoid: false, outputCount: 32),
            FamilyCase(
                name: "discretised_logistic_mixture",
                objective: "{reconstruction: {discretized_logistic_mixture: {components: 3}}, kl: {weight: 1}}",
                endsInSigmoid: false, outputCount: 144),
            FamilyCase(
                name: "vamp_prior", objective: "{reconstruction: bernoulli, vamp_prior: {pseudo_inputs: 4}}",
                terms: ["kl": "kl_to_vamp_prior"]),
            FamilyCase(
                name: "conditional_vae", objective: "{reconstruction: bernoulli, kl: {weight: 1}}", classCount: 3),
            FamilyCase(
                name: "denoising", objective: "{reconstruction: bernoulli}", isDeterministic: true,
                firstLayer: "{gaussian_noise: 0.3}"),
            FamilyCase(
                name: "sparse", objective: "{reconstruction: bernoulli, sparsity: {weight: 3}}", isDeterministic: true,
                codeActivation: "sigmoid"),
            FamilyCase(
                name: "planar_flow", objective: "{reconstruction: bernoulli, planar_flow: {layers: 2}}",
                terms: ["kl": "kl_of_flow"]),
            FamilyCase(
                name: "m2",
                objective:
                    "{reconstruction: bernoulli, kl: {weight: 1}, classifier: {labels: 6, layers: [{fc1: {linear: {units: 8}, activation: tanh}}]}}",
                classCount: 3),
            FamilyCase(
                name: "m2_labels_per_batch",
                objective:
                    "{reconstruction: bernoulli, kl: {weight: 1}, classifier: {labels: 6, labels_per_batch: 3, layers: [{fc1: {linear: {units: 8}, activation: tanh}}]}}",
                classCount: 3),
            FamilyCase(
                name: "ladder_vae", objective: "{reconstruction: bernoulli, kl: {weight: 1}}",
                levels: level(2, size: 2), terms: ["kl1": "kl_level1", "kl2": "kl_level2"]),
            FamilyCase(
                name: "vq_vae", objective: "{reconstruction: bernoulli, commitment: {weight: 0.25}}",
                isDeterministic: true, codebook: "{codes: 5, smoothing: 0}"),
            FamilyCase(
                name: "vq_vae_smoothed", objective: "{reconstruction: bernoulli, commitment: {weight: 0.25}}",
                isDeterministic: true, codebook: "5"),
            FamilyCase(
                name: "contractive", objective: "{reconstruction: bernoulli, contraction: {weight: 0.1}}",
                isDeterministic: true, codeActivation: "sigmoid"),
            FamilyCase(
                name: "piwae",
                objective: "{reconstruction: bernoulli, importance_weighting: {samples: 5, repeats: 3, partial: true}}",
                terms: ["decoder": "decoder_importance_weighted"], unreported: ["kl"]),
            FamilyCase(
                name: "rae_l2",
                objective: "{reconstruction: {gaussian: 2}, code_norm: {weight: 0.1}, decoder_norm: {weight: 0.01}}",
                isDeterministic: true, endsInSigmoid: false,
                terms: ["embedding": "code_norm", "decoder_l2": "decoder_norm"]),
            FamilyCase(
                name: "adversarial_ae",
                objective: "{reconstruction: bernoulli, adversarial_prior: {weight: 0.5, \(discriminator("relu"))}}",
                terms: ["discriminator": "prior_discriminator"]),
        ]
    }()

    /// What the golden file has not: for differences.
    static let further = [
        FamilyCase(
            name: "capacity",
            objective: "{reconstruction: bernoulli, capacity: {weight: 10, start: 4, end: 5, steps: 10}}"),
        FamilyCase(
            name: "two_discriminators",
            objective:
                "{reconstruction: bernoulli, adversarial_prior: {weight: 2, discriminator: [{out: {linear: 4, activation: tanh}}]}, adversarial_total_correlation: {weight: 3, discriminator: [{fc1: {linear: 4, activation: tanh}}]}}"
        ),
        FamilyCase(
            name: "contractive_layer", objective: "{reconstruction: bernoulli, contraction: {weight: 2}}",
            isDeterministic: true, codeActivation: "softplus", hasHiddenLayer: false),
        FamilyCase(
            name: "contractive_layers", objective: "{reconstruction: bernoulli, contraction: {weight: 2}}",
            isDeterministic: true, firstLayer: "{before: {linear: {units: 5}, activation: tanh}}"),
        FamilyCase(
            name: "ladder_of_three", objective: "{reconstruction: bernoulli, kl: {weight: 2, free_nats: 0.1}}",
            levels: "\(level(2, size: 2)), \(level(3, size: 1))"),
        FamilyCase(
            name: "ladder_iwae", objective: "{reconstruction: bernoulli, importance_weighting: {samples: 3}}",
            levels: level(2, size: 2)),
        FamilyCase(
            name: "ladder_flow", objective: "{reconstruction: bernoulli, planar_flow: {layers: 2}}",
            levels: level(2, size: 2)),
        FamilyCase(
            name: "m2_free_bits",
            objective:
                "{reconstruction: bernoulli, kl: {weight: 2, free_nats: 0.1}, classifier: {labels: 3, weight: 2}}",
            classCount: 3),
        FamilyCase(name: "free_bits", objective: "{reconstruction: bernoulli, kl: {weight: 2, free_nats: 0.1}}"),
        FamilyCase(
            name: "mmd_imq_single",
            objective: "{reconstruction: bernoulli, mmd: {weight: 3, kernel: imq_single, bandwidth: 2}}"),
        FamilyCase(
            name: "colour_mixture",
            objective: "{reconstruction: {discretized_logistic_mixture: {components: 2}}, kl: {weight: 1}}",
            endsInSigmoid: false, inputChannels: 3, outputCount: 2 * 10 * 16),
    ]
}

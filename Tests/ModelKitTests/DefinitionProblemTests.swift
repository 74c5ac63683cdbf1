import Foundation
import ModelKit
import TensorCore
import Testing

/// One change to the small definition, and all that is then reported: file, line, column, path and message.
struct ProblemCase: Sendable {
    var text: String
    var expected: [String]

    init(_ old: String, _ new: String, _ expected: [String]) {
        text = small(old, new)
        self.expected = expected
    }
}

private typealias Case = ProblemCase

@Suite struct DefinitionProblemTests {
    @Test func theSmallDefinitionIsSound() {
        #expect(problems(in: smallDefinition) == [])
    }

    private static let documentCases = [
        Case(
            "zoo.model/1", "zoo.model/2",
            ["model.yaml:1:9: format: this version reads zoo.model/1, not zoo.model/2"]),
        Case(
            "name: small", "nam: small",
            ["model.yaml:2:1: nam: unknown field; did you mean name?", "model.yaml:1:1: name: the field is missing"]),
        Case(
            "name: small", "name: Not A Name",
            ["model.yaml:2:7: name: expected lower-case letters, digits and hyphens (at most 64), found “Not A Name”"]),
        Case(
            "family: vae\n", "",
            ["model.yaml:1:1: family: the field is missing"]),
        Case(
            "input: [1, 8, 8]", "input: [1, 8]",
            ["model.yaml:5:8: input: a shape is [D] or [C, H, W], this has 2 extents"]),
        Case(
            "input: [1, 8, 8]", "input: [1, 8, 0]",
            ["model.yaml:5:15: input[2]: must lie in 1…100000, is 0"]),
        Case(
            "input: [1, 8, 8]", "input: [100000, 100000, 100000]",
            ["model.yaml:5:8: input: [100000, 100000, 100000] has more than 100 million elements"]),
        Case(
            "encoder:", "encoder: [flatten]\nencoder:",
            ["model.yaml:7: the same key twice: encoder"]),
        Case(
            "summary: A small model", "summary: [",
            ["model.yaml:6:1: not valid YAML: did not find expected ',' or ']'"]),
        Case(
            "summary: A small model", "name: again",
            ["model.yaml:2: the same key twice: name"]),
        Case(
            "summary: A small model", "references: [{titel: A}]\nsummary: A",
            [
                "model.yaml:4:15: references[0].titel: unknown field; did you mean title?",
                "model.yaml:4:14: references[0]: the field title is missing",
            ]),
        Case(
            "summary: A small model", "summary: {a: 1}",
            ["model.yaml:4:10: summary: expected text, found a mapping of 1 fields"]),
        Case(
            "summary: A small model", "summary: &a [*a]",
            ["model.yaml:4:14: not valid YAML: found undefined alias"]),
    ]

    private static let latentCases = [
        Case(
            "size: 2", "size: two",
            ["model.yaml:6:16: latent.size: expected a whole number, found “two”"]),
        Case(
            "size: 2, ", "",
            ["model.yaml:6:9: latent: the field size is missing: the number of latent dimensions"]),
        Case(
            "mean: mean, ", "",
            [
                "model.yaml:6:9: latent: give either code (a plain autoencoder) or both mean and log_variance: the names of the linear layers that end the encoder"
            ]),
        Case(
            "mean: mean", "mean: {mean: {units: 3}}",
            [
                "model.yaml:6:33: latent.mean.mean.units: unknown field; known are activation, bias, bias_initializer, weight_initializer"
            ]),
        Case(
            ", kl: {weight: 1}", "",
            [
                "model.yaml:11:12: objective: a variational model needs a regulariser, as kl or capacity; for a plain autoencoder give latent.code instead of mean and log_variance"
            ]),
        Case(
            "summary: A small model", "x: &x {a: 1}\nsummary: 99999999999999999999",
            [
                "model.yaml:4:1: x: unknown field; known are dataset, decoder, encoder, family, format, input, latent, name, objective, references, summary, training, weight_initializer"
            ]),
    ]

    private static let objectiveAndRecipeCases = [
        Case(
            "mean: mean, log_variance: log_variance", "code: code",
            [
                "model.yaml:11:12: objective.kl: a plain autoencoder has no KL divergence and no posterior: give latent.mean and latent.log_variance in place of latent.code"
            ]),
        Case(
            "kl: {weight: 1}", "total_corelation: {weight: 1}",
            [
                "model.yaml:11:40: objective.total_corelation: unknown field; known are adversarial_prior, adversarial_total_correlation, autoregressive_prior, capacity, classifier, code_norm, codebook_loss, commitment, contraction, covariance, decoder_norm, importance_weighting, kl, kl_decomposition, mmd, planar_flow, reconstruction, sparsity, vamp_prior",
                "model.yaml:11:12: objective: a variational model needs a regulariser, as kl or capacity; for a plain autoencoder give latent.code instead of mean and log_variance",
            ]),
        Case(
            "kl: {weight: 1}", "kl: {weight: 1}, adversarial_total_correlation: {weight: 1, discriminator: []}",
            [
                "model.yaml:11:115: objective.adversarial_total_correlation.discriminator: a discriminator needs layers\n  for instance [{fc1: {linear: 64, activation: leaky_relu}}]"
            ]),
        Case(
            "kl: {weight: 1}", "kl: {weight: 1}, kl_decomposition: {total_correlation: 6}",
            ["model.yaml:11:75: objective: give kl or kl_decomposition, not both"]),
        Case(
            "kl: {weight: 1}", "kl: {weight: 1}, classifier: {labels: 10, labels_per_batch: 1000}",
            [
                "model.yaml:11:12: objective.classifier: labels_per_batch is 1000, and training.batch_size 4: leave room for images without a label"
            ]),
        Case(
            "kl: {weight: 1}", "kl: {weight: 1}, sparsity: {weight: 1}",
            [
                "model.yaml:11:67: objective.sparsity: needs codes between 0 and 1, and nothing keeps them there\n  give the code a sigmoid: latent: {code: {code: {activation: sigmoid}}}"
            ]),
        Case(
            "reconstruction: bernoulli", "reconstruction: {continuous_bernoulli: 1, gaussian: 1}",
            [
                "model.yaml:11:29: objective.reconstruction: continuous_bernoulli is a distribution of its own, which cannot be mixed with other likelihoods"
            ]),
        Case(
            "reconstruction: bernoulli", "reconstruction: {continuous_bernoulli: 2}",
            [
                "model.yaml:11:52: objective.reconstruction.continuous_bernoulli: takes no weight: it is the only likelihood, and the weights of other terms say the rest"
            ]),
        Case(
            "kl: {weight: 1}", "importance_weighting: {samples: 0}",
            ["model.yaml:11:72: objective.importance_weighting.samples: must lie in 1…100000, is 0"]),
        Case(
            "kl: {weight: 1}", "kl: {weight: 1}, importance_weighting: {samples: 5}",
            [
                "model.yaml:11:12: objective.importance_weighting: stands in place of reconstruction and all other regularisers; give it alone"
            ]),
        Case(
            "reconstruction: bernoulli", "reconstruction: {discretized_logistic_mixture: {components: 0}}",
            [
                "model.yaml:11:73: objective.reconstruction.discretized_logistic_mixture.components: must lie in 1…1000, is 0"
            ]),
        Case(
            "reconstruction: bernoulli", "reconstruction: bernouli",
            ["model.yaml:11:29: objective.reconstruction: unknown likelihood bernouli; did you mean bernoulli?"]),
        Case(
            "reconstruction: bernoulli", "reconstruction: {bernoulli: 0}",
            ["model.yaml:11:41: objective.reconstruction.bernoulli: must be above 0 and at most 1000000, is 0"]),
        Case(
            "kl: {weight: 1}", "kl: {wieght: 1}",
            [
                "model.yaml:11:45: objective.kl.wieght: unknown field; did you mean weight?",
                "model.yaml:11:44: objective.kl: the field weight is missing: β: 1 for a VAE, more for a β-VAE.",
            ]),
        Case(
            "kl: {weight: 1}", "kl: {}",
            ["model.yaml:11:44: objective.kl: the field weight is missing: β: 1 for a VAE, more for a β-VAE."]),
        Case(
            "kl: {weight: 1}", "kl: {weight: -1}",
            ["model.yaml:11:53: objective.kl.weight: must be at least 0 and at most 1000000, is -1"]),
        Case(
            "kl: {weight: 1}", "kl: {weight: 1}, capacity: {weight: 1, end: 2, steps: 3}",
            ["model.yaml:11:67: objective: give kl or capacity, not both"]),
        Case(
            "kl: {weight: 1}", "capacity: {weight: 1}",
            [
                "model.yaml:11:50: objective.capacity: the field end is missing: C at the end, in nats.",
                "model.yaml:11:50: objective.capacity: the field steps is missing: Steps over which C goes linearly from start to end.",
            ]),
        Case(
            "adam: {learning_rate: 1.0e-3}", "adma: {learning_rate: 1.0e-3}",
            ["model.yaml:12:24: training.optimizer: unknown optimiser adma; did you mean adam?"]),
        Case(
            "adam: {learning_rate: 1.0e-3}", "adam: {learning_rate: 1.0e-3}, sgd: {learning_rate: 1}",
            [
                "model.yaml:12:23: training.optimizer: expected one optimiser, as a name or {name: {fields}}, found a mapping of 2 fields"
            ]),
        Case(
            "adam: {learning_rate: 1.0e-3}", "adam: {learning_rate: 0}",
            ["model.yaml:12:46: training.optimizer.adam.learning_rate: must be above 0 and at most 1000, is 0"]),
        Case(
            "adam: {learning_rate: 1.0e-3}", "adam: {learning_rate: 1, epsilon: 1.0e-60}",
            ["model.yaml:12:58: training.optimizer.adam.epsilon: must be above 0 and at most 1, is 1.0e-60"]),
        Case(
            "adam: {learning_rate: 1.0e-3}", "adam: {learningrate: 1}",
            [
                "model.yaml:12:31: training.optimizer.adam.learningrate: unknown field; did you mean learning_rate?",
                "model.yaml:12:30: training.optimizer.adam: the field learning_rate is missing: The learning rate.",
            ]),
        Case(
            "{adam: {learning_rate: 1.0e-3}}", "adam",
            ["model.yaml:12:23: training.optimizer.adam: the field learning_rate is missing: The learning rate."]),
        Case(
            "batch_size: 4", "batch_size: 4, schedule: cosin",
            ["model.yaml:12:81: training.schedule: unknown schedule cosin; did you mean cosine?"]),
        Case(
            "batch_size: 4", "batch_size: 4, schedule: step",
            [
                "model.yaml:12:81: training.schedule.step: the field epochs is missing: Epochs between two changes.",
                "model.yaml:12:81: training.schedule.step: the field factor is missing: What the learning rate is multiplied by.",
            ]),
        Case(
            "batch_size: 4", "batch_size: 4, schedule: {step: {epochs: 1, factor: 2}}",
            ["model.yaml:12:108: training.schedule.step.factor: must be above 0 and at most 1, is 2"]),
        Case(
            "batch_size: 4", "batch_size: 4, augmentation: {flip: sideways, crop: 0}",
            [
                "model.yaml:12:92: training.augmentation.flip: expected none or horizontal or vertical or both, found “sideways”",
                "model.yaml:12:108: training.augmentation.crop: must be above 0 and at most 1, is 0",
            ]),
        Case(
            "batch_size: 4", "batch_size: 4, augmentation: {shift: 8}",
            ["model.yaml:12:11: training.augmentation.shift: images of [1, 8, 8] cannot be moved by 8 pixels"]),
        Case(
            "batch_size: 4,", "",
            ["model.yaml:12:11: training: the field batch_size is missing: Images per step."]),
        Case(
            "epochs: 2", "epochs: -1",
            ["model.yaml:12:79: training.epochs: must lie in 1…1000000, is -1"]),
        Case(
            "training:", "trainings:",
            [
                "model.yaml:12:1: trainings: unknown field; did you mean training?",
                "model.yaml:1:1: training: the field is missing",
            ]),
    ]

    @Test(arguments: documentCases)
    func document(_ problem: ProblemCase) {
        #expect(problem.text != smallDefinition)
        #expect(problems(in: problem.text) == problem.expected)
    }

    @Test func aFieldsNameIsOneLine() {
        let problem = problems(in: small("summary:", "\"a\\nb\": 1\nsummary:")).first
        #expect(problem?.hasPrefix("model.yaml:4:1: a\\u{A}b: unknown field; known are ") == true)
    }

    /// What is known or drawn once for each image, in an encoder that encodes other things, too.
    @Test func layersOfImagesAlone() {
        let reason = "works on images, and the objective (vamp_prior) encodes pseudo-inputs, which are none"
        for (layer, name, kind) in [
            ("condition: 3", "condition0", "condition"), ("dropout: 0.5", "dropout0", "dropout"),
            ("gaussian_noise: 1", "gaussian_noise0", "gaussian_noise"),
        ] {
            let text = small("kl: {weight: 1}", "vamp_prior: {pseudo_inputs: 4}")
                .replacingOccurrences(of: "encoder:\n", with: "encoder:\n  - \(layer)\n")
            #expect(problems(in: text) == ["model.yaml:8:3: encoder.\(name): (\(kind)): \(reason)"])
        }
    }

    @Test func vectorsAreNotAugmented() {
        let text = """
            format: zoo.model/1
            name: small
            family: vae
            summary: A small model
            input: [3]
            latent: {size: 2, mean: mean, log_variance: log_variance}
            encoder: [{fc1: {linear: 4, activation: relu}}]
            decoder: [{fc1: {linear: 3}}]
            objective: {reconstruction: gaussian, kl: {weight: 1}}
            training: {optimizer: {adam: {learning_rate: 1.0e-3}}, batch_size: 4, epochs: 2, augmentation: {flip: both}}
            """
        #expect(
            problems(in: text) == [
                "model.yaml:10:11: training.augmentation: images are flipped, shifted and cropped, and the input is vectors [3]"
            ])
    }

    @Test(arguments: latentCases)
    func latent(_ problem: ProblemCase) {
        #expect(problem.text != smallDefinition)
        #expect(problems(in: problem.text) == problem.expected)
    }

    @Test(arguments: objectiveAndRecipeCases)
    func objectiveAndRecipe(_ problem: ProblemCase) {
        #expect(problem.text != smallDefinition)
        #expect(problems(in: problem.text) == problem.expected)
    }

    @Test(arguments: [
        (
            "objective.kl.wieght=4",
            ["model.yaml: objective.kl.wieght: unknown field; did you mean weight?"]
        ),
        (
            "objective.kl.weight=-4",
            ["model.yaml: objective.kl.weight: must be at least 0 and at most 1000000, is -4"]
        ),
        (
            "encoder.conv2.conv2d.filters=4",
            ["encoder.conv2.conv2d.filters=4: encoder has no entry conv2\n  did you mean conv1?"]
        ),
        (
            "encoder.conv1.conv2d.filtres=4",
            ["model.yaml: encoder.conv1.conv2d.filtres: unknown field; did you mean filters?"]
        ),
        (
            "latent.size.x=4",
            [
                "latent.size.x=4: latent.size is “2” and has no fields\n  set it as a whole, for instance 'latent.size={x: …}'"
            ]
        ),
        (
            "latent.size=[",
            ["latent.size=[: the value is not valid YAML"]
        ),
        (
            "latnt.size=4",
            ["model.yaml: latnt: unknown field; did you mean latent?"]
        ),
        (
            "encoder.conv1.conv2d.kernel=40",
            [
                "model.yaml:8:5: encoder.conv1: (conv2d): a kernel of 40×40 with padding 1×1 does not fit an input of shape [1, 8, 8]"
            ]
        ),
    ])
    func overrides(_ argument: String, _ expected: [String]) {
        #expect(problems(in: smallDefinition, set: [argument]) == expected)
    }

    /// Faults in every section are reported together.
    @Test func reportsEverythingAtOnce() {
        let text = """
            format: zoo.model/1
            name: Small
            family: vae
            summary: [a]
            colour: blue
            input: [1, 8]
            latent: {size: 0, mean: mean, log_variance: {log_variance: {bais: false}}}
            encoder:
              - conv1: {conv2d: {filters: 4.5}, activation: rleu}
            decoder: none
            objective: {reconstruction: bernouli, kl: {weight: x}}
            training: {optimizer: {sgd: {learning_rate: 1, momentum: 1}}, epochs: 0}
            """
        let found = problems(in: text).map { $0.split(separator: ":").dropFirst(3).first ?? "" }
        #expect(
            found == [
                " colour", " name", " summary", " input", " latent.size", " latent.log_variance.log_variance.bais",
                " encoder.conv1.activation", " encoder.conv1.conv2d.filters", " encoder.conv1.conv2d", " decoder",
                " objective.reconstruction", " objective.kl.weight", " training.optimizer.sgd.momentum",
                " training", " training.epochs",
            ])
    }
}

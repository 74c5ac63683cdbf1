import Checkpoints
import ExamplePlugIn
import Interchange
import ModelKit
import TensorCore
import ZooModels

enum Samples {
    /// A model with every kind of layer and activation that the formats know.
    static let everyLayer = """
        format: zoo.model/1
        name: every-layer
        family: vae
        summary: Every kind of layer
        input: [2, 8, 8]
        latent: {size: 5, mean: mean, log_variance: log_variance}
        encoder:
          - conv1: {conv2d: {filters: 6, kernel: [3, 5], stride: [1, 2], padding: [1, 2]}, activation: silu}
          - norm1: {batch_norm: {epsilon: 1.0e-3}}
          - block:
              residual:
                - conv: {conv2d: {filters: 6, kernel: 3, padding: 1, bias: false}, activation: {elu: {alpha: 0.5}}}
                - norm: {group_norm: 3}
          - pool: {average_pool: {kernel: 3, stride: 1, padding: 1}}
          - activation: {function: {leaky_relu: {slope: 0.2}}}
          - top: {max_pool: {kernel: 2}}
          - flatten
          - norm2: {layer_norm: {}}
          - drop: {dropout: 0.5}
          - fc1: {linear: {units: 24}, activation: gelu}
          - norm3: {batch_norm: {}}
        decoder:
          - fc1: {linear: {units: 12, bias: false}, activation: softplus}
          - fc2: {linear: {units: 24}, activation: tanh}
          - norm1: {layer_norm: {}}
          - reshape: [6, 2, 2]
          - up: {upsample: 2}
          - norm2: {layer_norm: {}}
          - deconv: {conv_transpose2d: {filters: 2, kernel: 3, stride: 2, padding: 1, output_padding: 1}, activation: sigmoid}
        objective: {reconstruction: bernoulli, kl: {weight: 1}}
        training: {optimizer: {adam: {learning_rate: 1.0e-3}}, batch_size: 4, epochs: 1}

        """

    /// A model that learns the deviation of its likelihood, with a convolution across a residual block.
    static let learnedVariance = """
        format: zoo.model/1
        name: learned-variance
        family: vae
        summary: A learned deviation and a shortcut
        input: [1, 4, 4]
        latent: {size: 2, mean: mean, log_variance: log_variance}
        encoder:
          - block: {residual: [{conv: {conv2d: {filters: 3, kernel: 2, stride: 2}, activation: relu}}]}
        decoder:
          - fc: {linear: {units: 16}}
        objective: {reconstruction: gaussian_learned_variance, kl: {weight: 1}}
        training: {optimizer: {adam: {learning_rate: 1.0e-3}}, batch_size: 4, epochs: 1}

        """

    static let registry = (try? ZooModels.registry()) ?? .builtIn

    static func definition(_ text: String) throws -> ModelDefinition {
        try ModelDefinition(text: text, source: "sample", registry: registry)
    }

    /// Every model of the zoo and those above.
    static let names = ZooModels.sources.map(\.name) + ["every-layer", "learned-variance"]

    static func definition(named name: String) throws -> ModelDefinition {
        switch name {
        case "every-layer": try definition(everyLayer)
        case "learned-variance": try definition(learnedVariance)
        default: try definition(try registry.model(name).text)
        }
    }

    /// A checkpoint of a model that was not trained, running statistics and normalisations away from their first values.
    static func checkpoint(_ definition: ModelDefinition) throws -> Checkpoint {
        let graph = try ModelGraph(definition, purpose: .training)
        var checkpoint = Checkpoint(
            definition: definition.text, model: definition.name, family: definition.family,
            parameters: graph.initialParameters(seed: 7))
        checkpoint.buffers = graph.initialBuffers
        checkpoint.dataset = definition.dataset
        func vary(_ tensor: inout NamedTensor) {
            guard tensor.shape.count <= 1 else { return }
            for index in tensor.values.indices { tensor.values[index] += 0.03 * Float(index % 7) - 0.02 }
        }
        for index in checkpoint.parameters.indices { vary(&checkpoint.parameters[index]) }
        for index in checkpoint.buffers.indices { vary(&checkpoint.buffers[index]) }
        return checkpoint
    }

    /// The files of an export, as an import reads them.
    static func files(_ exported: [ExportedFile], _ format: InterchangeFormat) throws -> [ForeignFile] {
        try exported.map { try ForeignFile($0.bytes, path: "\($0.part ?? "model").\(format.fileExtension)") }
    }
}

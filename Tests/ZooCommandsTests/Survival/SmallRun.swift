import Checkpoints
import FileSupport
import Foundation
import ImageFiles
import ModelKit
import TensorCore
import Testing

/// A run that takes a moment: a small VAE on a few pictures in a folder.
struct SmallRun {
    let folder: TemporaryFolder
    var pictures: String { folder.path + "/pictures" }

    /// A model with every kind of state: buffers, dropout, noise, schedules, a moving average, clipping.
    ///
    /// - Parameters:
    ///   - optimizer: the field `optimizer` of the recipe.
    ///   - width: units of the hidden layers.
    static func definition(optimizer: String = "adam: {learning_rate: 0.01}", width: Int = 8, epochs: Int = 5) -> String
    {
        """
        format: zoo.model/1
        name: small-vae
        family: vae
        summary: For tests
        dataset: image-folder
        input: [1, 8, 8]
        latent: {size: 2, mean: mean, log_variance: log_variance}
        encoder:
          - conv: {conv2d: {filters: 4, kernel: 3, stride: 2, padding: 1}, activation: relu}
          - norm: {batch_norm: {}}
          - drop: {dropout: 0.25}
          - flatten
          - fc: {linear: \(width), activation: relu}
        decoder:
          - fc1: {linear: \(width), activation: relu}
          - fc2: {linear: 64}
          - reshape: [1, 8, 8]
          - out: {conv2d: {filters: 1, kernel: 3, padding: 1}, activation: sigmoid}
        objective: {reconstruction: bernoulli, kl: {weight: 1, warmup_steps: 20}}
        training:
          optimizer: {\(optimizer)}
          schedule: cosine
          warmup_steps: 5
          clip_norm: 5
          average_decay: 0.9
          batch_size: 8
          epochs: \(epochs)

        """
    }

    /// Objectives of the families by name, each with the latent space and the class layer that it needs.
    static let families: [String: (latent: String, condition: String?, objective: String)] = {
        let gaussian = "{size: 2, mean: mean, log_variance: log_variance}"
        let discriminator = "discriminator: [{fc1: {linear: 6, activation: tanh}}]"
        return [
            "adversarial": (
                "{size: 2, code: code}", nil,
                "{reconstruction: bernoulli, adversarial_prior: {weight: 1, \(discriminator)}}"
            ),
            "beta-tcvae": (gaussian, nil, "{reconstruction: bernoulli, kl_decomposition: {total_correlation: 4}}"),
            "conditional": (gaussian, "{condition: 2}", "{reconstruction: bernoulli, kl: {weight: 1}}"),
            "factor-vae": (
                gaussian, nil,
                "{reconstruction: bernoulli, kl: {weight: 1}, adversarial_total_correlation: {weight: 2, \(discriminator)}}"
            ),
            "ladder": (
                "{size: 3, mean: mean, log_variance: log_variance, levels: [{size: 2, mean: mean2, log_variance: log_variance2}]}",
                nil, "{reconstruction: bernoulli, kl: {weight: 1, warmup_steps: 20}}"
            ),
            "m2": (
                gaussian, "{condition: 2}",
                "{reconstruction: bernoulli, kl: {weight: 1}, classifier: {labels: 4, labels_per_batch: 2}}"
            ),
            "mmd": (gaussian, nil, "{reconstruction: bernoulli, mmd: {weight: 3}}"),
            "piwae": (
                gaussian, nil,
                "{reconstruction: bernoulli, importance_weighting: {samples: 3, repeats: 2, partial: true}}"
            ),
            "planar-flow": (gaussian, nil, "{reconstruction: bernoulli, planar_flow: {layers: 2}}"),
            "vamp-prior": (gaussian, nil, "{reconstruction: bernoulli, vamp_prior: {pseudo_inputs: 3}}"),
            "vq-vae": (
                "{size: 3, code: code, codebook: {codes: 5}}", nil,
                "{reconstruction: bernoulli, commitment: {weight: 0.25}, autoregressive_prior: {filters: 4, blocks: 2}}"
            ),
        ]
    }()

    /// A small model of a family.
    static func definition(family: String, epochs: Int) -> String {
        guard let (latent, condition, objective) = families[family] else { return "" }
        let classes = condition.map { "  - class: \($0)" } ?? "  # of no class"
        return """
            format: zoo.model/1
            name: small-family
            family: vae
            summary: For tests
            dataset: image-folder
            input: [1, 8, 8]
            latent: \(latent)
            encoder:
              - flatten
            \(classes)
              - fc: {linear: 8, activation: tanh}
            decoder:
            \(classes)
              - fc1: {linear: 8, activation: tanh}
              - fc2: {linear: 64, activation: sigmoid}
            objective: \(objective)
            training: {optimizer: {adam: {learning_rate: 0.003}}, batch_size: 8, epochs: \(epochs)}

            """
    }

    /// Every optimiser of the registry, and what SGD can do besides.
    static var optimizers: [String] {
        DefinitionFields.optimizers.keys.sorted().map { "\($0): {learning_rate: 0.003}" }
            + ["sgd: {learning_rate: 0.001, momentum: 0.9, nesterov: true, weight_decay: 0.01}"]
    }

    /// Options for each precision that training knows.
    static let precisions: [[String]] =
        CPUEngine.supports(.bf16) ? [[], ["--precision", "bf16"]] : [[]]

    /// - Parameter classCount: folders of as many classes to put the pictures into; 0 for none.
    init(classCount: Int = 0) throws {
        folder = try TemporaryFolder()
        for number in 0..<40 {
            let directory = classCount > 0 ? "\(pictures)/class\(number % classCount)" : pictures
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let pixels = (0..<64).map { place in
                UInt8((place / 8 + number % 7) % 4 < 2 && (place % 8 + number % 5) % 3 < 2 ? 230 : 20)
            }
            try Data(ImageFiles.encodePNG(Image8(width: 8, height: 8, channels: 1, pixels: pixels)))
                .write(to: URL(fileURLWithPath: directory + "/\(number).png"))
        }
    }

    /// The command line that begins a run in the folder `name`.
    func begin(_ name: String, _ definition: String, _ options: [String] = []) throws -> [String] {
        let file = try folder.write(definition, "\(name.replacing("/", with: "-")).yaml")
        return [
            "train", file, "--run-dir", folder.path + "/" + name, "--image-folder", pictures, "--threads", "1", "-q",
        ]
            + options
    }

    /// The command line that goes on with it.
    func resume(_ name: String, _ options: [String] = []) -> [String] {
        ["train", "--resume", folder.path + "/" + name, "--image-folder", pictures, "--threads", "1", "-q"] + options
    }

    func checkpoints(_ name: String) -> CheckpointFolder {
        CheckpointFolder(path: folder.path + "/" + name + "/checkpoints")
    }

    func newest(_ name: String) throws -> Checkpoint {
        var folder = checkpoints(name)
        return try folder.newest().checkpoint
    }

    /// `metrics.jsonl` without the two numbers that are times.
    func metrics(_ name: String) throws -> String {
        try folder.text("\(name)/metrics.jsonl").replacing(/"(seconds|images_per_second)":[^,]*,/, with: "")
    }

    /// Whether two runs ended in the same state, to the last bit, with the same metrics.
    func expectSame(_ first: String, _ second: String, _ comment: Comment) throws {
        let (a, b) = (try newest(first), try newest(second))
        for (one, other) in zip(a.tensors, b.tensors) {
            #expect(one.path == other.path && one.digest == other.digest, comment)
        }
        #expect(a.tensors.count == b.tensors.count, comment)
        var (before, after) = (try #require(a.progress), try #require(b.progress))
        before.elapsedSeconds = 0
        after.elapsedSeconds = 0
        #expect(before == after, comment)
        #expect(try metrics(first) == metrics(second), comment)
        let best = try [first, second].map { try Checkpoint.read(from: checkpoints($0).best) }
        #expect(best[0].tensors.map(\.digest) == best[1].tensors.map(\.digest), comment)
    }
}

extension Checkpoint {
    /// Path and SHA-256 of every tensor: parameters, buffers and the optimiser's state.
    fileprivate var tensors: [(path: String, digest: String)] {
        let all =
            parameters + buffers
            + optimizer.flatMap { slot in
                slot.tensors.map { NamedTensor(path: "\(slot.name)/\($0.path)", shape: $0.shape, values: $0.values) }
            }
        return all.map { tensor in
            (tensor.path, SHA256.hexadecimal(tensor.values.withUnsafeBytes { SHA256.digest($0) }))
        }
    }
}

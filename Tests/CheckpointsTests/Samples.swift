import Checkpoints
import Foundation
import TensorCore

/// Checkpoints and files that the tests share.
enum Samples {
    /// A small checkpoint that uses every part of the format.
    static func small() -> Checkpoint {
        var checkpoint = Checkpoint(
            definition: "format: zoo.model/1\nname: größe\\x\n", model: "größe-vae \"x\\y\" 🦓", family: "vae",
            parameters: [
                NamedTensor(path: "encoder.conv1.weight", shape: [2, 1, 2, 2], values: [1, -2, 3, 0.5, 4, 5, -6, 7]),
                NamedTensor(path: "encoder.conv1.bias", shape: [2], values: [0.25, -0.125]),
                NamedTensor(path: "decoder.empty", shape: [3, 0], values: []),
                NamedTensor(path: "log_sigma", shape: [], values: [-1.5]),
            ])
        checkpoint.buffers = [NamedTensor(path: "encoder.bn1.running_mean", shape: [2], values: [0.1, 0.2])]
        checkpoint.optimizer = ["second_moment", "first_moment"].map { name in
            OptimizerSlot(
                name: name,
                tensors: [
                    NamedTensor(
                        path: "encoder.conv1.weight", shape: [2, 1, 2, 2], values: Array(0..<8).map(Float.init))
                ])
        }
        checkpoint.progress = TrainingProgress(
            epoch: 3, step: 1_234_567_890_123, imagesSeenInEpoch: 640, batchesInEpoch: 5, stepLimit: 2_000_000_000_000,
            elapsedSeconds: 0.1, seed: .max, randomStreamVersion: 2, optimizerStep: 77,
            bestMetric: Double(bitPattern: 0x3FB9_9999_9999_999A),
            evaluationsWithoutImprovement: 1, runningSums: ["loss": 0.1 + 0.2, "kl": -0.0, "größe": .infinity])
        checkpoint.metrics = "{\"epoch\":1}\n{\"epoch\":2}\n"
        checkpoint.dataset = "mnist"
        checkpoint.datasetDigest = String(repeating: "ab", count: 32)
        checkpoint.latentStatistics = LatentStatistics(
            meanOfMean: [0, 1], varianceOfMean: [0.9, 1e-5], meanVariance: [0.1, 1], kl: [2.5, 0.001],
            active: [true, false], imageCount: 10_000, split: "test", covariance: [1, 0.5, 0.5, 1],
            factors: ["shape", "größe", ""], mutualInformation: [1, 2, 3, 4, 5, 6])
        checkpoint.provenance = ["tool": "zoo 1.0", "notes": "first line\nzweite Zeile: ä", "licence": ""]
        return checkpoint
    }

    /// A checkpoint with `layerCount` layers, each a weight and a bias, of about `weightCount` values.
    static func layered(_ layerCount: Int, weightCount: Int) -> Checkpoint {
        let tensors = (0..<layerCount).flatMap { layer -> [NamedTensor] in
            let values = (0..<weightCount).map { Float($0 &* 7 &+ layer) }
            return [
                NamedTensor(path: "encoder.layer\(layer).weight", shape: [weightCount], values: values),
                NamedTensor(path: "encoder.layer\(layer).bias", shape: [1], values: [Float(layer)]),
            ]
        }
        return Checkpoint(definition: "name: layered\n", model: "layered", family: "autoencoder", parameters: tensors)
    }

    /// The bytes of the file `path`.
    static func bytes(of path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Names in `folder`.
    static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }
}

import TensorCore

/// Everything a model is: its definition, weights, how far its training came and how it was made.
///
/// Written and read as HDF5; docs/checkpoint-format.md describes the file.
public struct Checkpoint: Sendable, Equatable {
    /// The definition as it was run, in YAML.
    public var definition: String
    /// The model's name, for instance `conv-vae-mnist`.
    public var model: String
    /// The model's family, for instance `vae`.
    public var family: String
    /// Parameters in model order, under their paths (`encoder.conv1.weight`) in PyTorch's layout: linear `[out, in]`,
    /// convolution `[out, in, kh, kw]`, transposed convolution `[in, out, kh, kw]`.
    public var parameters: [NamedTensor]
    /// What a model carries that is not trained, in model order: `encoder.bn1.running_mean` and the like.
    public var buffers: [NamedTensor] = []
    /// The optimiser's state; empty in a slim checkpoint.
    public var optimizer: [OptimizerSlot] = []
    /// How far training came; nil in a slim checkpoint.
    public var progress: TrainingProgress?
    /// The history of the run, one JSON object a line (JSON Lines), as in `metrics.jsonl`.
    public var metrics: String = ""
    /// The name of the data set, for instance `mnist`.
    public var dataset: String?
    /// SHA-256 of the data set in hexadecimal digits.
    public var datasetDigest: String?
    /// How the numbers of the data set were scaled; nil for images of bytes, of which 0…255 become 0…1.
    public var scaling: ValueScaling?
    /// Statistics of the latent space over a data set.
    public var latentStatistics: LatentStatistics?
    /// How the file came to be, and what a model card says: tool version, time, threads, kernels, precision,
    /// preprocessing, licence, notes …
    public var provenance: [String: String] = [:]

    /// A checkpoint of a model that was not trained yet.
    public init(definition: String, model: String, family: String, parameters: [NamedTensor]) {
        self.definition = definition
        self.model = model
        self.family = family
        self.parameters = parameters
    }

    /// All tensors of the model in model order: the parameters, then the buffers.
    public var weights: [NamedTensor] { parameters + buffers }

    /// Whether training can go on from here: the optimiser's state and the progress are there.
    public var isResumable: Bool { progress != nil }

    /// Whether the run kept a moving average of the parameters (`training.average_decay`).
    public var keepsAverage: Bool { optimizer.contains { $0.name == OptimizerSlot.average } }

    /// What evaluation, sampling and export use: the moving average of the parameters where the run kept one, else the
    /// parameters; and the buffers.
    public var inferenceWeights: [NamedTensor] { averaged().weights }

    /// The checkpoint with the moving average in the place of the parameters, where the run kept one.
    public func averaged() -> Checkpoint {
        guard let average = optimizer.first(where: { $0.name == OptimizerSlot.average }) else { return self }
        let byPath = Dictionary(average.tensors.map { ($0.path, $0) }) { first, _ in first }
        var averaged = self
        averaged.parameters = parameters.map { byPath[$0.path] ?? $0 }
        return averaged
    }

    /// The checkpoint without what only training needs, for publishing: of a run that kept a moving average of its
    /// parameters, that average.
    public func slimmed() -> Checkpoint {
        var slim = averaged()
        if keepsAverage { slim.provenance["weights"] = "moving average of the parameters" }
        if let progress {
            slim.provenance["seed"] = String(progress.seed)
            slim.provenance["epochs"] = String(progress.epoch)
            slim.provenance["steps"] = String(progress.step)
            slim.provenance["training_seconds"] = String(Int(progress.elapsedSeconds.rounded()))
        }
        slim.optimizer = []
        slim.progress = nil
        return slim
    }
}

/// One kind of state that an optimiser keeps for each parameter.
public struct OptimizerSlot: Sendable, Equatable {
    /// `momentum`, `first_moment`, `second_moment`, or `average` for the moving average of the weights.
    public var name: String
    /// One tensor for each parameter that has this state, under the parameter's path and with its shape.
    public var tensors: [NamedTensor]

    /// The name of the moving average of the parameters.
    public static let average = "average"

    public init(name: String, tensors: [NamedTensor]) {
        self.name = name
        self.tensors = tensors
    }
}

/// How far a training run came: with the weights and the optimiser's state, all that an exact resume needs.
///
/// Schedules, the KL weight, shuffles and noise are functions of these numbers and the definition.
public struct TrainingProgress: Sendable, Equatable {
    /// What each count may be: far more than any run makes, and far from where arithmetic overflows.
    public static let counts = 0...1 << 53

    /// Epochs completed.
    public var epoch: Int
    /// Optimiser steps of the run.
    public var step: Int
    /// Images seen in the epoch under way.
    public var imagesSeenInEpoch: Int
    /// Batches done of the epoch under way.
    public var batchesInEpoch: Int
    /// The steps the run is to make, where it was given steps instead of epochs.
    public var stepLimit: Int?
    /// Seconds the run has taken so far, its interruptions left out.
    public var elapsedSeconds: Double
    /// The key of all random streams.
    public var seed: UInt64
    /// Which layout of random streams `seed` is for.
    public var randomStreamVersion: Int
    /// Steps the optimiser's bias correction has counted.
    public var optimizerStep: Int
    /// The best value so far of the metric that decides which checkpoint to keep.
    public var bestMetric: Double?
    /// Evaluations in a row without a better metric.
    public var evaluationsWithoutImprovement: Int
    /// Sums under way, such as those of the losses of this epoch, by name; kept to the last bit.
    public var runningSums: [String: Double]

    public init(
        epoch: Int, step: Int, imagesSeenInEpoch: Int = 0, batchesInEpoch: Int = 0, stepLimit: Int? = nil,
        elapsedSeconds: Double = 0, seed: UInt64, randomStreamVersion: Int = 1, optimizerStep: Int,
        bestMetric: Double? = nil, evaluationsWithoutImprovement: Int = 0, runningSums: [String: Double] = [:]
    ) {
        self.epoch = epoch
        self.step = step
        self.imagesSeenInEpoch = imagesSeenInEpoch
        self.batchesInEpoch = batchesInEpoch
        self.stepLimit = stepLimit
        self.elapsedSeconds = elapsedSeconds
        self.seed = seed
        self.randomStreamVersion = randomStreamVersion
        self.optimizerStep = optimizerStep
        self.bestMetric = bestMetric
        self.evaluationsWithoutImprovement = evaluationsWithoutImprovement
        self.runningSums = runningSums
    }
}

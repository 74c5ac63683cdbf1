import Planning

/// Mean losses over images, in nats per image.
public struct MeanLosses: Sendable, Equatable {
    /// Reconstruction plus what the objective makes of the KL divergence at its current weight.
    public var loss: Double
    public var reconstruction: Double
    /// The KL divergence itself, without any weight; 0 for a plain autoencoder.
    public var kl: Double

    public init(loss: Double, reconstruction: Double, kl: Double) {
        self.loss = loss
        self.reconstruction = reconstruction
        self.kl = kl
    }
}

/// What one epoch (or the part of one that a step limit leaves) gave.
public struct EpochRecord: Sendable {
    /// From 1.
    public var epoch: Int
    /// Steps made since the beginning of the run.
    public var step: Int
    public var train: MeanLosses
    /// nil where the data set has no validation images.
    public var validation: MeanLosses?
    public var test: MeanLosses?
    /// Latent statistics over the test images; nil without.
    public var latent: EvaluationSums?
    public var learningRate: Float
    public var klWeight: Float
    public var klCapacity: Float
    /// Seconds since the run (or the resumed part of it) began.
    public var seconds: Double
    /// Training speed of this epoch, evaluation left out.
    public var imagesPerSecond: Double
    /// The loss (of validation, else test, else training) that decides which epoch is the best, at the weights that the
    /// objective's schedules end with.
    public var monitoredLoss: Double
    /// Whether the monitored loss is the best so far.
    public var isBest: Bool
}

/// A step, for progress displays.
public struct StepRecord: Sendable {
    /// From 1.
    public var epoch: Int
    public var epochCount: Int
    /// Steps made since the beginning of the run.
    public var step: Int
    public var totalSteps: Int
    public var batch: BatchLosses
    /// Means over the epoch so far.
    public var running: MeanLosses
    public var seconds: Double
    public var imagesPerSecond: Double
    public var secondsLeft: Double
}

public enum TrainingEvent: Sendable {
    case step(StepRecord)
    case epoch(EpochRecord)
}

/// Why training ended.
public enum TrainingEnd: Sendable, Equatable {
    case finished
    case stoppedEarly(epoch: Int)
    case interrupted
}

/// Where training stands: with parameters, buffers and optimiser state all that an exact resume needs.
public struct TrainingState: Sendable, Equatable {
    /// Epochs completed.
    public var epoch = 0
    /// Steps made.
    public var step = 0
    /// Batches done of the epoch under way.
    public var batch = 0
    /// The lowest monitored loss.
    public var bestLoss: Double?
    public var epochsWithoutImprovement = 0
    /// Sums over the images of the epoch under way.
    public var images = 0
    public var lossSum = 0.0
    public var reconstructionSum = 0.0
    public var klSum = 0.0
    /// Of the losses at the weights that the objective's schedules end with.
    public var finalLossSum = 0.0

    public init() {}
}

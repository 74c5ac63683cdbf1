import Planning

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
    /// The weights and schedules of the objective.
    public var scheduled: ScheduledNumbers
    /// Seconds since the run (or the resumed part of it) began.
    public var seconds: Double
    /// Training speed of this epoch, evaluation left out.
    public var imagesPerSecond: Double
    /// The loss (of validation, else training; never test) that decides which epoch is the best, at the weights that the
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
    /// Losses as they are now: means over the last steps, the latest counting most.
    public var current: MeanLosses
    /// Means over the images since the last step that had this; nil between `StepInterval`s.
    public var interval: MeanLosses?
    public var learningRate: Float
    /// The weights and schedules of the objective.
    public var scheduled: ScheduledNumbers
    public var seconds: Double
    /// As it is now.
    public var imagesPerSecond: Double
    /// Until all is done, evaluations included.
    public var secondsLeft: Double
}

/// How far the evaluation at the end of an epoch is, for progress displays.
public struct EvaluationProgress: Sendable, Equatable {
    /// Of the epoch, from 1.
    public var epoch: Int
    public var epochCount: Int
    public var imagesDone: Int
    public var imageCount: Int
    public var secondsLeft: Double
}

/// After which steps losses are recorded: after each at first, and so that there are about two hundred in every tenfold.
public enum StepInterval {
    /// Whether the losses are recorded after so many steps. Does not depend on how many there will be.
    public static func ends(at step: Int) -> Bool {
        var length = 1
        while length <= step / 200 { length *= 10 }
        return step > 0 && step % length == 0
    }
}

public enum TrainingEvent: Sendable {
    case step(StepRecord)
    case evaluation(EvaluationProgress)
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
    /// Over the images of the epoch under way.
    public var sums: LossSums
    /// Of the losses at the weights that the objective's schedules end with.
    public var finalLossSum = 0.0
    /// Over the images since losses were last recorded (`StepInterval`).
    public var interval: LossSums

    /// The beginning of a run.
    public init(metricNames: [String]) {
        sums = LossSums(metricNames: metricNames)
        interval = sums
    }

    /// Images seen in the epoch under way.
    public var images: Int { sums.images }
}

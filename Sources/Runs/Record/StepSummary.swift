import TensorCore
import TextSupport
import Training

/// What a line of `metrics.jsonl` says of the steps since the line before it: one without `epoch`.
public struct StepSummary {
    /// Steps made since the beginning of the run.
    public var step: Int
    /// Means over these steps.
    public var train: MeanLosses
    /// nil in lines of older versions.
    public var imagesPerSecond: Double?

    /// The line.
    public static func line(_ record: StepRecord, _ means: MeanLosses, seconds: Double) -> JSONValue {
        let head: [(String, JSONValue)] = [
            ("step", .integer(record.step)), ("seconds", .number(seconds)),
            ("images_per_second", .number(record.imagesPerSecond)),
            ("learning_rate", .number(Double(record.learningRate))),
        ]
        return .object(head + record.scheduled.jsonFields + [("train", means.json)])
    }

    /// - Throws: `ZooError` where a field is missing or of another type.
    public init(json: JSONValue) throws {
        guard let step = json["step"]?.countValue else {
            throw ZooError("the whole number step is missing", code: .damaged)
        }
        guard let train = try MeanLosses(json: json["train"]) else {
            throw ZooError("the losses train are missing", code: .damaged)
        }
        self.step = step
        self.train = train
        imagesPerSecond = json["images_per_second"]?.numberValue
    }

    public var json: JSONValue { ["step": step, "train": train.json] }
}

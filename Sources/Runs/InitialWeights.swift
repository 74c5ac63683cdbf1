import Checkpoints
import Planning
import TensorCore
import TextSupport

/// The weights of another checkpoint that a new run begins with.
public struct InitialWeights {
    /// The checkpoint's file.
    public let path: String
    private let fit: WeightFit

    /// Gives `model` the weights of `source`: all of them, or, with `isPartial`, those that fit; the others keep their
    /// random first values.
    ///
    /// - Throws: `ZooError` that lists what is missing, unused or of another shape.
    public init(_ source: TrainedModel, into model: CompiledModel, isPartial: Bool) throws {
        path = source.path
        fit = model.fit(source.checkpoint.weights)
        guard isPartial || (fit.isComplete && fit.unused.isEmpty) else {
            throw ZooError(
                "the weights of \(path) are not those of the model:", details: notes,
                code: .mismatch, subject: .path(path), remedy: .takeFittingWeights)
        }
        guard !fit.fitting.isEmpty else {
            throw ZooError(
                "no tensor of \(path) fits the model", advice: "choose a checkpoint of a related model",
                code: .mismatch, subject: .path(path))
        }
        model.write(fit)
    }

    /// What was loaded, for people.
    public var report: [String] {
        ["\(fit.fitting.count) of \(fit.tensorCount) tensors begin with the values in \(path)"]
            + notes.map { "  \($0)" }
    }

    private var notes: [String] {
        fit.misshapen.map { "of another shape: \($0.path) is \($0.expected) in the model, \($0.found) in the file" }
            + fit.nonFinite.map { "not finite in the file: \($0)" } + fit.missing.map { "missing in the file: \($0)" }
            + fit.unused.map { "not in the model: \($0)" }
    }

    public var json: JSONValue {
        [
            "checkpoint": path, "loaded": fit.fitting.map(\.path), "missing": fit.missing, "unused": fit.unused,
            "other_shape": fit.misshapen.map(\.path), "not_finite": fit.nonFinite,
        ]
    }
}

import Checkpoints
import Foundation

/// What `metrics.jsonl` says, read back: a record per epoch.
struct MetricsHistory: Sendable, Equatable {
    /// Mean losses over a split, nats per image.
    struct Losses: Decodable, Sendable, Equatable {
        var loss: Double
        var reconstruction: Double
        var kl: Double
    }

    /// One epoch.
    struct Record: Decodable, Sendable, Equatable {
        var epoch: Int
        var step: Int
        var train: Losses
        var validation: Losses?
        var test: Losses?

        /// The losses that say most about the model, with the split they are of: test, else validation, else training.
        var loss: (split: String, means: Losses) {
            if let test { return ("test", test) }
            if let validation { return ("validation", validation) }
            return ("training", train)
        }
    }

    /// The last epoch; nil if there is none that can be read.
    var last: Record?

    /// - Parameter text: JSON Lines.
    init(_ text: String) {
        guard let line = text.split(separator: "\n").last else { return }
        last = try? JSONDecoder().decode(Record.self, from: Data(line.utf8))
    }
}

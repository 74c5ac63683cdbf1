import Checkpoints
import Foundation

/// What `metrics.jsonl` says, read back: a record per epoch.
struct MetricsHistory: Sendable, Equatable {
    /// Mean losses over a split, nats per image; not a number where the file has null, as JSON has no infinities.
    struct Losses: Decodable, Sendable, Equatable {
        var loss: Double
        var reconstruction: Double
        var kl: Double

        private enum CodingKeys: String, CodingKey {
            case loss
            case reconstruction
            case kl
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            loss = try fields.decode(Double?.self, forKey: .loss) ?? .nan
            reconstruction = try fields.decode(Double?.self, forKey: .reconstruction) ?? .nan
            kl = try fields.decode(Double?.self, forKey: .kl) ?? .nan
        }
    }

    /// One epoch, or the part of one in which training ended.
    struct Record: Decodable, Sendable, Equatable {
        var epoch: Int
        var step: Int
        var imagesPerSecond: Double?
        var train: Losses
        var validation: Losses?
        var test: Losses?
        /// nil without a posterior.
        var activeUnits: Int?
        /// `[D]`; nil without a posterior.
        var klPerDimension: [Double?]?

        /// The losses that say most about the model, with the split they are of: test, else validation, else training.
        var loss: (split: String, means: Losses) {
            if let test { return ("test", test) }
            if let validation { return ("validation", validation) }
            return ("training", train)
        }
    }

    /// The epochs that can be read, in order.
    var records: [Record]

    /// The last epoch; nil if there is none that can be read.
    var last: Record? { records.last }

    /// - Parameter text: JSON Lines.
    init(_ text: String) {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        records = text.split(separator: "\n").compactMap { try? decoder.decode(Record.self, from: Data($0.utf8)) }
    }
}

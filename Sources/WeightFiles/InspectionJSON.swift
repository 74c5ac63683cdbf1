import Checkpoints
import FileSupport
import LatentTools
import Metrics
import Runs
import TensorCore
import TextSupport

extension Inspection {
    /// All of it, as `schemas/checkpoint.schema.json` describes it.
    ///
    /// - Parameters:
    ///   - weights: whether the values are read.
    ///   - latent: whether covariance and correlations are written.
    ///   - history: whether the epochs are written.
    /// - Throws: `ZooError` where the record of metrics cannot be read.
    public func json(weights: Bool, latent: Bool, history: Bool) throws -> JSONValue {
        .object([
            ("format", "zoo.inspect/1"), ("path", .string(path)), ("bytes", .integer(byteCount)),
            ("file_format", .string(format)), ("checkpoint", checkpoint.map(Self.json) ?? .null),
            (
                "tensors",
                .list(count: entries.count) { index in
                    Self.json(entries[index], weights ? self.weights(at: index) : nil)
                }
            ),
            ("metadata", .object(metadata.map { ($0.name, .string($0.text)) })),
            ("notes", .array(notes.map { .string($0) })),
            ("latent", self.latent.map { $0.json(matrices: latent) } ?? .null),
            ("scores", .object(try metrics().scores.map { ($0.name, .number($0.value)) })),
            ("history", history ? .array(self.history.map(\.json)) : .null),
        ])
    }

    private static func json(_ checkpoint: CheckpointOutline) -> JSONValue {
        let header = checkpoint.header
        return .object([
            ("format_version", .integer(checkpoint.formatVersion)),
            ("kind", header.isResumable ? "full" : "slim"), ("resumable", .boolean(header.isResumable)),
            ("model", .string(header.model)), ("family", .string(header.family)),
            ("dataset", JSONValue(header.dataset)), ("dataset_sha256", JSONValue(header.datasetDigest)),
            ("sha256", JSONValue(checkpoint.digest)), ("definition", .string(header.definition)),
            ("definition_sha256", .string(SHA256.hexadecimal(SHA256.digest(Array(header.definition.utf8))))),
            ("progress", header.progress.map(json) ?? .null),
            (
                "provenance",
                .object(header.provenance.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
            ),
        ])
    }

    private static func json(_ progress: TrainingProgress) -> JSONValue {
        .object([
            ("epoch", .integer(progress.epoch)), ("step", .integer(progress.step)),
            ("images_seen_in_epoch", .integer(progress.imagesSeenInEpoch)),
            ("batches_in_epoch", .integer(progress.batchesInEpoch)), ("step_limit", JSONValue(progress.stepLimit)),
            ("elapsed_seconds", .number(progress.elapsedSeconds)), ("seed", .string(String(progress.seed))),
            ("random_stream_version", .integer(progress.randomStreamVersion)),
            ("optimizer_step", .integer(progress.optimizerStep)), ("best_metric", JSONValue(progress.bestMetric)),
            ("evaluations_without_improvement", .integer(progress.evaluationsWithoutImprovement)),
        ])
    }

    private static func json(
        _ entry: TensorEntry, _ weights: Result<TensorStatistics, ZooError>?
    ) -> JSONValue {
        var fields: [(String, JSONValue)] = [
            ("path", .string(entry.path)), ("role", JSONValue(entry.role)),
            ("shape", .array(entry.shape.map { .integer($0) })), ("type", .string(entry.elementType)),
            ("values", .integer(entry.elementCount)), ("bytes", .integer(entry.byteCount)),
            ("sha256", JSONValue(entry.digest)),
        ]
        switch weights {
        case .success(let statistics): fields.append(("statistics", statistics.json))
        case .failure(let error): fields += [("statistics", .null), ("problem", .string(error.message))]
        case nil: fields.append(("statistics", .null))
        }
        return .object(fields)
    }
}

extension TensorStatistics {
    fileprivate var json: JSONValue {
        .object([
            ("min", JSONValue(minimum)), ("max", JSONValue(maximum)), ("mean", JSONValue(mean)),
            ("standard_deviation", JSONValue(standardDeviation)), ("zero_share", JSONValue(zeroShare)),
            ("nan", .integer(nanCount)), ("infinite", .integer(infinityCount)), ("l2_norm", .number(l2Norm)),
            ("spectral_norm", JSONValue(spectralNorm)), ("stable_rank", JSONValue(stableRank)),
            ("histogram", .array(histogram.map { .integer($0) })),
        ])
    }
}

extension LatentStatistics {
    /// The statistics as one object.
    ///
    /// - Parameter matrices: whether covariance and correlations are written.
    public func json(matrices: Bool) -> JSONValue {
        .object([
            ("dataset", JSONValue(dataset)), ("split", .string(split)), ("images", .integer(imageCount)),
            ("active_dimensions", .integer(activeCount)), ("kl", JSONValue(totalKL)),
            ("effective_dimensions", JSONValue(effectiveDimensions)),
            ("dimensions", .array((0..<latentSize).map(json))),
            (
                "factors",
                .array(
                    factors.enumerated().map { index, name in
                        .object([
                            ("name", .string(name)),
                            (
                                "entropy",
                                JSONValue(factorEntropies.indices.contains(index) ? factorEntropies[index] : nil)
                            ),
                            (
                                "mutual_information",
                                .array((0..<latentSize).map { JSONValue(information(factor: index, dimension: $0)) })
                            ),
                        ])
                    })
            ),
            ("covariance", matrices && !covariance.isEmpty ? matrix { covariance[$0 * latentSize + $1] } : .null),
            ("correlation", matrices && !covariance.isEmpty ? matrix { correlation($0, $1) } : .null),
        ])
    }

    private func json(_ dimension: Int) -> JSONValue {
        let strongest = strongestFactor(of: dimension)
        return .object([
            ("dimension", .integer(dimension)), ("mean", .number(meanOfMean[dimension])),
            ("variance_of_mean", .number(varianceOfMean[dimension])),
            ("mean_variance", JSONValue(isVariational ? meanVariance[dimension] : nil)),
            ("kl", JSONValue(isVariational ? kl[dimension] : nil)), ("active", .boolean(active[dimension])),
            (
                "strongest_factor",
                strongest.map { .object([("name", .string($0.name)), ("mutual_information", .number($0.nats))]) }
                    ?? .null
            ),
        ])
    }

    private func matrix(_ value: (Int, Int) -> Double?) -> JSONValue {
        .array((0..<latentSize).map { i in .array((0..<latentSize).map { JSONValue(value(i, $0)) }) })
    }
}

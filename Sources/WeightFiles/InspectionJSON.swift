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
        [
            "format": "zoo.inspect/1", "path": path, "bytes": byteCount, "file_format": format,
            "checkpoint": checkpoint.map(Self.json),
            "tensors": JSONValue.list(count: entries.count) { index in
                Self.json(entries[index], weights ? self.weights(at: index) : nil)
            }, "metadata": JSONValue.object(metadata.map { ($0.name, .string($0.text)) }), "notes": notes,
            "latent": self.latent.map { $0.json(matrices: latent) },
            "scores": JSONValue.object(try metrics().scores.map { ($0.name, .number($0.value)) }),
            "history": history ? .array(self.history.map(\.json)) : JSONValue.null,
        ]
    }

    private static func json(_ checkpoint: CheckpointOutline) -> JSONValue {
        let header = checkpoint.header
        return [
            "format_version": checkpoint.formatVersion, "kind": header.isResumable ? "full" : "slim",
            "resumable": header.isResumable, "model": header.model, "family": header.family, "dataset": header.dataset,
            "dataset_sha256": header.datasetDigest, "sha256": checkpoint.digest, "definition": header.definition,
            "definition_sha256": SHA256.hexadecimal(SHA256.digest(Array(header.definition.utf8))),
            "progress": header.progress.map(json),
            "provenance": JSONValue.object(
                header.provenance.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }),
        ]
    }

    private static func json(_ progress: TrainingProgress) -> JSONValue {
        [
            "epoch": progress.epoch, "step": progress.step, "images_seen_in_epoch": progress.imagesSeenInEpoch,
            "batches_in_epoch": progress.batchesInEpoch, "step_limit": progress.stepLimit,
            "elapsed_seconds": progress.elapsedSeconds, "seed": String(progress.seed),
            "random_stream_version": progress.randomStreamVersion, "optimizer_step": progress.optimizerStep,
            "best_metric": progress.bestMetric,
            "evaluations_without_improvement": progress.evaluationsWithoutImprovement,
        ]
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
        [
            "min": minimum, "max": maximum, "mean": mean, "standard_deviation": standardDeviation,
            "zero_share": zeroShare, "nan": nanCount, "infinite": infinityCount, "l2_norm": l2Norm,
            "spectral_norm": spectralNorm, "stable_rank": stableRank, "histogram": histogram,
        ]
    }
}

extension LatentStatistics {
    /// The statistics as one object.
    ///
    /// - Parameter matrices: whether covariance and correlations are written.
    public func json(matrices: Bool) -> JSONValue {
        [
            "dataset": dataset, "split": split, "images": imageCount, "active_dimensions": activeCount, "kl": totalKL,
            "effective_dimensions": effectiveDimensions, "dimensions": (0..<latentSize).map(json),
            "factors": factors.enumerated().map { index, name in
                [
                    "name": name, "entropy": factorEntropies.indices.contains(index) ? factorEntropies[index] : nil,
                    "mutual_information": (0..<latentSize).map { JSONValue(information(factor: index, dimension: $0)) },
                ] as JSONValue
            },
            "covariance": matrices && !covariance.isEmpty
                ? matrix { covariance[$0 * latentSize + $1] } : JSONValue.null,
            "correlation": matrices && !covariance.isEmpty ? matrix { correlation($0, $1) } : JSONValue.null,
        ]
    }

    private func json(_ dimension: Int) -> JSONValue {
        let strongest = strongestFactor(of: dimension)
        return [
            "dimension": dimension, "mean": meanOfMean[dimension], "variance_of_mean": varianceOfMean[dimension],
            "mean_variance": isVariational ? meanVariance[dimension] : nil, "kl": isVariational ? kl[dimension] : nil,
            "active": active[dimension],
            "strongest_factor": strongest.map { ["name": $0.name, "mutual_information": $0.nats] as JSONValue },
        ]
    }

    private func matrix(_ value: (Int, Int) -> Double?) -> JSONValue {
        .array((0..<latentSize).map { i in .array((0..<latentSize).map { JSONValue(value(i, $0)) }) })
    }
}

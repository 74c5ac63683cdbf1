import Checkpoints
import FileSupport
import LatentTools
import Runs
import TensorCore
import TextSupport

/// Shapes of tensors for people.
public enum TensorShapeText {
    /// `32 × 3 × 4 × 4`.
    public static func text(_ shape: [Int]) -> String {
        shape.isEmpty ? "scalar" : shape.map(String.init).joined(separator: " × ")
    }
}

extension Inspection {
    /// What the file is, for people: names and values.
    public var summary: [(name: String, value: String)] {
        let size = "\(Formatting.bytes(byteCount)) (\(Formatting.grouped(byteCount)) bytes)"
        let weights = weightIndices.map { entries[$0] }
        let count = weights.reduce(0) { $0 + $1.elementCount }
        let tensors = "\(weights.count) with \(Formatting.grouped(count)) values"
        guard let checkpoint else {
            return [("format", format), ("size", size), ("tensors", tensors)]
                + metadata.map { ($0.name, Self.firstLine($0.text)) }
        }
        let header = checkpoint.header
        var fields = [
            ("format", "checkpoint, version \(checkpoint.formatVersion), \(header.isResumable ? "full" : "slim")"),
            ("size", size), ("model", "\(header.model) (\(header.family))"), ("tensors", tensors),
        ]
        if let dataset = header.dataset { fields.append(("data set", dataset)) }
        if let progress = header.progress {
            var text = "epoch \(progress.epoch), step \(Formatting.grouped(progress.step)), seed \(progress.seed)"
            if let best = progress.bestMetric { text += ", best loss \(Formatting.decimals(best, 3))" }
            fields.append(("trained", text))
        }
        fields.append(
            (
                "resumable",
                header.isResumable
                    ? "yes" : "no: it holds no optimiser's state, but a new run can begin with its weights"
            ))
        if let latent {
            var text = "\(latent.latentSize) dimensions, \(latent.activeCount) active"
            if let kl = latent.totalKL { text += ", KL \(Formatting.decimals(kl, 2)) nats" }
            if let effective = latent.effectiveDimensions {
                text += ", \(Formatting.decimals(effective, 1)) effective"
            }
            fields.append(("latent", text))
        }
        for (name, text) in header.provenance.sorted(by: { $0.key < $1.key }) {
            fields.append((name, Self.firstLine(text)))
        }
        fields.append(
            (
                "sha256",
                checkpoint.digest.map { "\($0), not compared" }
                    ?? "none: the file is unverified"
            ))
        return fields
    }

    private static func firstLine(_ text: String) -> String {
        let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        let line = String((lines.first ?? "").prefix(160))
        return line.utf8.count < text.utf8.count ? line + " …" : line
    }

    /// The epochs of the run, as far as they can be read.
    public var history: [EpochSummary] { MetricsHistory(checkpoint?.header.metrics ?? "").epochs }
}

extension TensorStatistics {
    /// The columns after name and shape.
    public var cells: [String] {
        func number(_ value: Double?) -> String { value.map { Formatting.significant($0, 3) } ?? "" }
        return [
            number(minimum), number(maximum), number(mean), number(standardDeviation),
            zeroShare.map { Formatting.decimals(100 * $0, 1) + " %" } ?? "",
            isFinite ? "" : "\(nanCount)/\(infinityCount)", number(l2Norm), number(spectralNorm),
            stableRank.map { Formatting.decimals($0, 1) } ?? "", blocks,
        ]
    }

    /// The histogram in block characters, one for each bin.
    public var blocks: String {
        let characters = Array("▁▂▃▄▅▆▇█")
        guard let highest = histogram.max(), highest > 0 else { return "" }
        return String(
            histogram.map { count in
                count == 0 ? " " : characters[min(7, count * 8 / (highest + 1))]
            })
    }
}

import Checkpoints
import FileSupport
import LatentTools
import TensorCore
import Training

/// An inspection for people.
struct InspectionText {
    private let inspection: Inspection

    init(_ inspection: Inspection) {
        self.inspection = inspection
    }

    /// Names and what they are, in two columns.
    private static func printFields(_ fields: [(name: String, value: String)]) {
        let fields = fields.map { (name: String($0.name.printable().prefix(40)), value: $0.value.printable()) }
        let width = (fields.map(\.name.count).max() ?? 0) + 2
        for (name, value) in fields {
            Console.print("  \(name)\(String(repeating: " ", count: width - name.count))\(value)")
        }
    }

    func printHead() {
        Console.printTitle(inspection.path.printable())
        Self.printFields(inspection.summary + inspection.notes.map { (name: "note", value: $0) })
    }

    /// The tensors, one a line.
    func printTensors() {
        guard !inspection.entries.isEmpty else { return }
        let hasRoles = inspection.entries.contains { $0.role != nil }
        var table = Table(
            [("TENSOR", .left)] + (hasRoles ? [("ROLE", .left)] : [])
                + [("SHAPE", .left), ("TYPE", .left), ("VALUES", .right), ("BYTES", .right)])
        for index in inspection.weightIndices {
            let entry = inspection.entries[index]
            table.add(
                [entry.path] + (hasRoles ? [entry.role ?? ""] : [])
                    + [
                        Self.shape(entry.shape), entry.elementType, Formatting.grouped(entry.elementCount),
                        Formatting.grouped(entry.byteCount),
                    ])
        }
        Console.print("")
        for line in table.fittedLines { Console.print(line) }
    }

    /// The tensors in the groups that their paths name.
    func printTree() {
        Console.print("")
        for line in TensorTree(inspection.entries).lines { Console.print(line.printable()) }
    }

    /// Statistics of the values.
    func printWeights() {
        var table = Table([
            ("TENSOR", .left), ("SHAPE", .left), ("MIN", .right), ("MAX", .right), ("MEAN", .right), ("SD", .right),
            ("ZEROS", .right), ("NAN/INF", .right), ("L2", .right), ("SPECTRAL", .right), ("STABLE RANK", .right),
            ("HISTOGRAM", .left),
        ])
        var problems: [String] = []
        for index in inspection.weightIndices {
            let entry = inspection.entries[index]
            switch inspection.weights(at: index) {
            case .success(let statistics):
                table.add([entry.path, Self.shape(entry.shape)] + statistics.cells)
            case .failure(let error):
                table.add([entry.path, Self.shape(entry.shape)] + [String](repeating: "", count: 10))
                problems.append(error.message)
            }
        }
        Console.print("")
        for line in table.fittedLines { Console.print(line) }
        for problem in problems { Console.warn(problem) }
    }

    /// The latent table.
    ///
    /// - Throws: `ZooError` where the file has no statistics.
    func printLatent() throws {
        guard let statistics = inspection.latent else { throw inspection.missing("latent statistics") }
        Console.print("")
        LatentText(statistics).print()
    }

    /// The losses of every epoch.
    ///
    /// - Throws: `ZooError` where the file has no history.
    func printHistory() throws {
        let history = inspection.history
        guard !history.isEmpty else { throw inspection.missing("history of losses") }
        var table = Table([
            ("EPOCH", .right), ("STEP", .right), ("TRAIN", .right), ("VALIDATION", .right), ("TEST", .right),
            ("RECONSTRUCTION", .right), ("KL", .right),
        ])
        for record in history {
            let last = record.loss.means
            table.add([
                String(record.epoch), Formatting.grouped(record.step), Formatting.decimals(record.train.loss, 3),
                record.validation.map { Formatting.decimals($0.loss, 3) } ?? "",
                record.test.map { Formatting.decimals($0.loss, 3) } ?? "",
                Formatting.decimals(last.reconstruction, 3), Formatting.decimals(last.kl, 3),
            ])
        }
        Console.print("")
        for line in table.fittedLines { Console.print(line) }
        Console.print("")
        Console.print("losses in nats per image; reconstruction and KL of the \(history.last?.loss.split ?? "") images")
    }

    static func shape(_ shape: [Int]) -> String {
        shape.isEmpty ? "scalar" : shape.map(String.init).joined(separator: " × ")
    }
}

extension Inspection {
    /// What the file is, for people: names and values.
    var summary: [(name: String, value: String)] {
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
                    ? "yes: \(Tool.name) train --resume \(path)"
                    : "no: it holds no optimiser's state (\(Tool.name) train --init-from)"
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
                checkpoint.digest.map { "\($0), not compared (\(Tool.convert) verify)" }
                    ?? "none: the file is unverified"
            ))
        return fields
    }

    private static func firstLine(_ text: String) -> String {
        let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        let line = String((lines.first ?? "").prefix(160))
        return line.utf8.count < text.utf8.count ? line + " …" : line
    }

    func missing(_ what: String) -> ZooError {
        ZooError(
            "\(path) has no \(what)",
            advice: what == "latent statistics" && checkpoint != nil
                ? "compute them: \(Tool.convert) latent \(path)" : nil)
    }

    /// The epochs of the run, as far as they can be read.
    var history: [EpochSummary] { MetricsHistory(checkpoint?.header.metrics ?? "").epochs }
}

extension TensorStatistics {
    /// The columns after name and shape.
    var cells: [String] {
        func number(_ value: Double?) -> String { value.map { Formatting.significant($0, 3) } ?? "" }
        return [
            number(minimum), number(maximum), number(mean), number(standardDeviation),
            zeroShare.map { Formatting.decimals(100 * $0, 1) + " %" } ?? "",
            isFinite ? "" : "\(nanCount)/\(infinityCount)", number(l2Norm), number(spectralNorm),
            stableRank.map { Formatting.decimals($0, 1) } ?? "", blocks,
        ]
    }

    /// The histogram in block characters, one for each bin.
    var blocks: String {
        let characters = Array("▁▂▃▄▅▆▇█")
        guard let highest = histogram.max(), highest > 0 else { return "" }
        return String(
            histogram.map { count in
                count == 0 ? " " : characters[min(7, count * 8 / (highest + 1))]
            })
    }
}

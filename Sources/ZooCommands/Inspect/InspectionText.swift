import Checkpoints
import FileSupport
import LatentTools
import Planning
import Runs
import TensorCore
import TextSupport
import Training
import WeightFiles

/// An inspection for people.
struct InspectionText {
    private let inspection: Inspection

    init(_ inspection: Inspection) {
        self.inspection = inspection
    }

    func printHead() {
        Console.printTitle(inspection.path.printable())
        Fields(inspection.summary.map(withCommand) + inspection.notes.map { (name: "note", value: $0) }).print()
    }

    /// A field with the command that makes use of it.
    private func withCommand(_ field: (name: String, value: String)) -> (name: String, value: String) {
        switch (field.name, inspection.checkpoint?.header.isResumable) {
        case ("resumable", true?): (field.name, "\(field.value): \(Tool.name) train --resume \(inspection.path)")
        case ("resumable", false?): (field.name, "\(field.value) (\(Tool.name) train --init-from)")
        case ("sha256", _?) where field.value.hasSuffix("not compared"):
            (field.name, "\(field.value) (\(Tool.convert) verify)")
        default: field
        }
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
                        TensorShapeText.text(entry.shape), entry.elementType, Formatting.grouped(entry.elementCount),
                        Formatting.grouped(entry.byteCount),
                    ])
        }
        Console.print("")
        for line in table.fittedLines { Console.print(line) }
    }

    /// The metrics that were computed and kept.
    func printScores() throws {
        let scores = try inspection.metrics().scores
        guard !scores.isEmpty else { return }
        Console.print("")
        for line in MetricText.table(scores) { Console.print(line) }
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
                table.add([entry.path, TensorShapeText.text(entry.shape)] + statistics.cells)
            case .failure(let error):
                table.add([entry.path, TensorShapeText.text(entry.shape)] + [String](repeating: "", count: 10))
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
        let names = history.last?.loss.means.metrics.names ?? []
        var table = Table(
            [("EPOCH", .right), ("STEP", .right), ("TRAIN", .right), ("VALIDATION", .right), ("TEST", .right)]
                + names.map { (MeanLosses.words($0).uppercased(), .right) })
        for record in history {
            let last = record.loss.means
            table.add(
                [
                    String(record.epoch), Formatting.grouped(record.step), Formatting.decimals(record.train.loss, 3),
                    record.validation.map { Formatting.decimals($0.loss, 3) } ?? "",
                    record.test.map { Formatting.decimals($0.loss, 3) } ?? "",
                ] + names.map { name in last.metrics[name].map { Formatting.decimals($0, 3) } ?? "" })
        }
        Console.print("")
        for line in table.fittedLines { Console.print(line) }
        Console.print("")
        Console.print(
            "losses in nats per image; the terms without their weights, of the \(history.last?.loss.split ?? "") images"
        )
    }
}

extension Inspection {
    func missing(_ what: String) -> ZooError {
        ZooError(
            "\(path) has no \(what)",
            advice: what == "latent statistics" && checkpoint != nil
                ? "compute them: \(Tool.convert) latent \(path)" : nil, code: .notFound)
    }
}

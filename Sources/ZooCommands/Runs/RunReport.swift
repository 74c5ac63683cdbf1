import Checkpoints
import Figures
import ModelFigures
import Planning
import Runs
import TensorCore
import TextSupport
import Training

// What `zoo runs` says of a run.

extension RunOverview {
    /// The report for people.
    func lines(_ files: [File]) -> [String] {
        let record = record
        var fields = Fields([
            ("model", "\(record.model) (\(record.family)), \(Formatting.grouped(record.parameterCount)) parameters"),
            ("data set", record.dataset), ("state", stateWords(files)),
            (
                "done",
                "\(record.epochsText(separator: " of ")) epochs, \(Formatting.grouped(record.steps)) of "
                    + "\(Formatting.grouped(record.totalSteps)) steps of \(record.batchSize) images"
            ),
            (
                "time",
                Formatting.duration(record.seconds)
                    + (record.resumptions > 0 ? ", resumed \(record.resumptions) times" : "")
                    + "; begun \(record.started)" + (record.ended.map { ", ended \($0)" } ?? "")
            ), ("size", Formatting.bytes(folder.byteCount)),
        ])
        fields.add("failure", lines: (record.message ?? "").split(separator: "\n").map(String.init))
        if !losses.isEmpty {
            fields.add("losses", "nats per image")
            for (name, curve) in curveRows { fields.add(name, curve) }
        }
        if let best = record.best {
            fields.add("best", "\(Formatting.decimals(best.loss, 2)) in epoch \(best.epoch)")
        }
        var table = Table([
            ("CHECKPOINT", .left), ("EPOCHS", .right), ("STEP", .right), ("SIZE", .right), ("STATE", .left),
        ])
        for file in files {
            table.add([
                file.name, file.progress.map { record.epochs(ofSteps: $0.step) ?? "\($0.epoch)" } ?? "–",
                file.progress.map { Formatting.grouped($0.step) } ?? "–", Formatting.bytes(file.byteCount),
                file.problem ?? twin(of: file, in: files).map { "whole, the same file as \($0.name)" } ?? "whole",
            ])
        }
        return [folder.path] + fields.lines + (files.isEmpty ? ["no checkpoints"] : table.lines)
    }

    /// The checkpoint of a step that the best is.
    private func twin(of file: File, in files: [File]) -> File? {
        guard file.path == folder.checkpoints.best, let identity = file.identity else { return nil }
        return files.first { $0.path != file.path && $0.identity == identity }
    }

    private func stateWords(_ files: [File]) -> String {
        if let writer { return "running: \(writer)" }
        guard let resumption = resumption(files) else { return state.words }
        return
            "\(state.words); \(Tool.name) train --resume \(folder.path) resumes from step \(Formatting.grouped(resumption.step))"
    }

    /// A line with a curve for each kind of loss.
    private var curveRows: [(String, String)] {
        losses.map { name, values in
            let ends = [values.first, values.last].compactMap { $0.map { Formatting.decimals($0, 2) } }
            guard values.count > 1 else { return ("  \(name)", ends.first ?? "") }
            return ("  \(name)", "\(Sparkline.text(values))  \(ends.joined(separator: " → "))")
        }
    }

    /// The losses over the epochs, by name, as far as there are any.
    private var losses: [(String, [Double])] {
        let names = history.epochs.last?.test?.metrics.names ?? []
        let curves: [(String, [Double])] = [
            ("train, by steps", history.steps.map(\.train.loss)),
            ("train", history.epochs.map(\.train.loss)), ("validation", history.epochs.compactMap(\.validation?.loss)),
            ("test", history.epochs.compactMap(\.test?.loss)),
        ]
        let terms = names.map { name in
            ("test \(MeanLosses.words(name))", history.epochs.compactMap { $0.test?.metrics[name] })
        }
        return (curves + terms).filter { !$0.1.isEmpty }
    }
}

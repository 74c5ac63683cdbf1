import ModelKit
import Runs
import TextSupport
import Training

/// Shows training on standard error: one line that redraws on a terminal, plain lines otherwise.
final class TrainingProgressView {
    private let isQuiet: Bool
    private let epochCount: Int
    private let latentSize: Int
    private let line: ProgressLine

    init(_ trainer: Trainer, isQuiet: Bool) {
        self.isQuiet = isQuiet
        line = ProgressLine(isQuiet: isQuiet)
        epochCount = trainer.epochCount
        latentSize = trainer.definition.latentSize
    }

    /// Shows what happens in a run.
    func show(_ event: TrainingRun.Event) {
        switch event {
        case .step(let record): show(record)
        case .evaluation(let progress): show(progress)
        case .epoch(let record): show(record)
        case .activity(let text): say(text)
        case .warning(let text): Console.warn(text)
        case .saved: break
        }
    }

    private func show(_ record: StepRecord) {
        line.show {
            line.isTerminal
                ? Self.line(record, width: Console.width - 1)
                : "epoch \(record.epoch)/\(record.epochCount)  step \(record.step)/\(record.totalSteps)  "
                    + "\(Self.losses(record))  \(Self.speed(record))  \(Self.left(record.secondsLeft))"
        }
    }

    private func show(_ progress: EvaluationProgress) {
        guard line.isTerminal else { return }
        let share = Double(progress.imagesDone) / Double(max(1, progress.imageCount))
        line.show {
            Self.fitting(
                Console.width - 1,
                [
                    [
                        Self.epoch(progress.epoch, progress.epochCount), Self.bar(share, 20),
                        "evaluating \(Formatting.grouped(progress.imageCount)) images",
                        Self.left(progress.secondsLeft),
                    ],
                    [Self.bar(share, 10), "evaluating", Self.left(progress.secondsLeft)],
                    [Self.left(progress.secondsLeft)],
                ])
        }
    }

    /// What is done now, on a terminal, until something else is shown.
    private func say(_ text: String) {
        if line.isTerminal { line.show(isForced: true) { text } }
    }

    private func show(_ record: EpochRecord) {
        guard !isQuiet else { return }
        clearLine()
        var parts = [
            "epoch \(pad(record.epoch, epochCount))/\(epochCount)",
            "train \(Formatting.decimals(record.train.loss, 2)) on average",
        ]
        if let validation = record.validation {
            parts.append("validation \(Formatting.decimals(validation.loss, 2)) at the end")
        }
        if let test = record.test { parts.append("test \(test.text(note: "at the end: "))") }
        if let active = record.activeCount { parts.append("active \(active)/\(latentSize)") }
        parts += [
            "\(Formatting.grouped(record.imagesPerSecond)) images/s", Formatting.duration(record.seconds),
        ]
        if record.isBest { parts.append("best") }
        Console.writeError(parts.joined(separator: "  "))
    }

    func clearLine() { line.clear() }

    // MARK: Words

    /// The line for a terminal of so many columns: what matters least is left out first, the time left last.
    static func line(_ record: StepRecord, width: Int) -> String {
        let share = Double(record.step) / Double(max(1, record.totalSteps))
        let epoch = epoch(record.epoch, record.epochCount)
        let loss = "loss \(Formatting.decimals(record.current.loss, 2))"
        let left = left(record.secondsLeft)
        return fitting(
            width,
            [
                [epoch, bar(share, 20), losses(record), speed(record), left],
                [epoch, bar(share, 10), losses(record), speed(record), left],
                [epoch, bar(share, 10), losses(record), left], [epoch, bar(share, 10), loss, left],
                [epoch, loss, left], [loss, left], [left],
            ])
    }

    /// The first of several lines that fits.
    private static func fitting(_ width: Int, _ lines: [[String]]) -> String {
        let lines = lines.map { $0.joined(separator: "  ") }
        return lines.first { $0.count <= width } ?? String((lines.last ?? "").prefix(max(0, width)))
    }

    private static func epoch(_ number: Int, _ count: Int) -> String { "epoch \(number)/\(count)" }

    private static func bar(_ share: Double, _ cells: Int) -> String {
        let full = min(cells, Int(share * Double(cells)))
        return String(repeating: "━", count: full) + String(repeating: "─", count: cells - full)
    }

    private static func losses(_ record: StepRecord) -> String { "loss \(record.current.text())" }

    private static func speed(_ record: StepRecord) -> String {
        "\(Formatting.grouped(record.imagesPerSecond)) images/s"
    }

    private static func left(_ seconds: Double) -> String { "\(Formatting.duration(seconds)) left" }

    private func pad(_ number: Int, _ largest: Int) -> String {
        String(repeating: " ", count: max(0, String(largest).count - String(number).count)) + String(number)
    }
}

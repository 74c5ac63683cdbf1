import Glibc
import Training

/// Shows training on standard error: one line that redraws on a terminal, plain lines otherwise.
final class TrainingProgressView {
    private let isQuiet: Bool
    private let isTerminal = Console.errorIsTerminal
    private var lastDraw = 0.0
    private var hasLine = false

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
    }

    func show(_ record: StepRecord) {
        guard !isQuiet else { return }
        let interval = isTerminal ? 0.1 : 10
        guard record.seconds - lastDraw >= interval else { return }
        lastDraw = record.seconds
        let share = Double(record.step) / Double(max(1, record.totalSteps))
        let losses =
            "loss \(Formatting.decimals(record.running.loss, 2)) "
            + "(reconstruction \(Formatting.decimals(record.running.reconstruction, 2)), "
            + "KL \(Formatting.decimals(record.running.kl, 2)))"
        let speed = "\(Formatting.grouped(record.imagesPerSecond)) images/s"
        let left = "\(Formatting.duration(record.secondsLeft)) left"
        if isTerminal {
            let cells = 20
            let full = Int(share * Double(cells))
            let bar = String(repeating: "━", count: full) + String(repeating: "─", count: cells - full)
            let text = "epoch \(record.epoch)/\(record.epochCount) \(bar) \(losses)  \(speed)  \(left)"
            Console.redrawLine(text)
            hasLine = true
        } else {
            Console.writeError(
                "epoch \(record.epoch)/\(record.epochCount)  step \(record.step)/\(record.totalSteps)  \(losses)  \(speed)  \(left)"
            )
        }
    }

    func show(_ record: EpochRecord, epochCount: Int, latentSize: Int) {
        guard !isQuiet else { return }
        clearLine()
        var line =
            "epoch \(pad(record.epoch, epochCount))/\(epochCount)  train \(Formatting.decimals(record.train.loss, 2))"
        if let validation = record.validation { line += "  validation \(Formatting.decimals(validation.loss, 2))" }
        if let test = record.test { line += "  test \(test.text)" }
        if let active = record.activeCount { line += "  active \(active)/\(latentSize)" }
        line += "  \(Formatting.grouped(record.imagesPerSecond)) images/s  \(Formatting.duration(record.seconds))"
        if record.isBest { line += "  best" }
        Console.writeError(line)
    }

    func clearLine() {
        if hasLine { Console.redrawLine("") }
        hasLine = false
    }

    private func pad(_ number: Int, _ largest: Int) -> String {
        String(repeating: " ", count: max(0, String(largest).count - String(number).count)) + String(number)
    }
}

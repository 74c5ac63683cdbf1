import Metrics
import ModelMetrics
import TextSupport

/// Metrics as text for people.
enum MetricText {
    /// A line for each score, and below them what to know.
    static func lines(_ reports: [MetricReport], left: [(metric: String, reason: String)]) -> [String] {
        var lines = reports.isEmpty ? [] : table(reports.flatMap(\.scores))
        var notes: [String] = []
        for report in reports {
            for note in report.notes where !notes.contains(note) { notes.append(note) }
        }
        if !notes.isEmpty { lines += [""] + notes }
        if !left.isEmpty {
            lines += [""] + left.map { "\($0.metric): not computed, \($0.reason)" }
        }
        return lines
    }

    /// A line for each score, headings first.
    static func table(_ scores: [MetricReport.Score]) -> [String] {
        var table = Table([("METRIC", .left), ("VALUE", .right), ("± SD", .right), ("", .left)])
        for score in scores {
            table.add([
                score.name, number(score.value), score.standardDeviation.map(number) ?? "", score.unit ?? "",
            ])
        }
        return table.fittedLines
    }

    static func number(_ value: Double) -> String {
        abs(value) >= 100 ? Formatting.decimals(value, 2) : Formatting.decimals(value, 4)
    }

    /// All metrics with their parameters.
    static var catalogue: [String] {
        BuiltInMetrics.all.flatMap { metric in
            ["\(metric.name) (\(metric.group.rawValue)): \(metric.summary)"]
                + metric.parameters.map { parameter in
                    let usual = parameter.isWhole ? String(Int(parameter.usual)) : "\(parameter.usual)"
                    return "    \(metric.name).\(parameter.name) = \(usual)    \(parameter.summary)"
                }
        }
    }
}

import Figures
import Metrics

extension HeatmapFigure {
    /// A metric's table, coloured from white at 0 to its largest number.
    public init(_ table: MetricReport.Table, title: String?, subtitle: String? = nil) {
        let numbers = table.values.flatMap(\.self)
        let largest = numbers.map(abs).max() ?? 0
        self.init(
            rowNames: table.rows, columnNames: table.columns, rows: table.values,
            scale: numbers.contains { $0 < 0 } ? .diverging(largest) : .sequential(largest), title: title,
            subtitle: subtitle)
    }
}

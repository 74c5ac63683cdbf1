import Checkpoints
import Figures
import FileSupport
import LatentTools
import Metrics
import ModelMetrics
import Runs
import TensorCore
import TextSupport
import Training

extension Inspection {
    /// All of it as one page with plots.
    ///
    /// - Throws: `ZooError` where something cannot be drawn.
    public func page() throws -> Page {
        let name = checkpoint?.header.model ?? (path.split(separator: "/").last.map(String.init) ?? path)
        var sections = [
            PageSection(
                "The file",
                [
                    .table(
                        PageTable(
                            columns: [PageTable.Column("field"), PageTable.Column("value")],
                            rows: summary.map { [$0.name, $0.value] }))
                ] + (notes.isEmpty ? [] : [.list(notes)]))
        ]
        if let latent { sections.append(try Self.section(latent)) }
        let (scores, tables) = try metrics()
        if !scores.isEmpty {
            sections.append(
                PageSection(
                    "Metrics",
                    [
                        .table(
                            PageTable(
                                columns: [
                                    PageTable.Column("metric"), PageTable.Column("value", isNumber: true),
                                    PageTable.Column("± sd", isNumber: true), PageTable.Column("unit"),
                                ],
                                rows: scores.map { score in
                                    [
                                        score.name, Formatting.decimals(score.value, 4),
                                        score.standardDeviation.map { Formatting.decimals($0, 4) } ?? "",
                                        score.unit ?? "",
                                    ]
                                }))
                    ] + tables.compactMap(Self.heatmap)))
        }
        if let section = try historySection() { sections.append(section) }
        sections.append(weightsSection())
        if let definition { sections.append(PageSection("Definition", [.code(definition)])) }
        return Page(
            title: name, subtitle: path, sections: sections,
            footer: "zoo \(ZooVersion.current)")
    }

    /// A metric's table; nil where it cannot be drawn.
    private static func heatmap(_ table: MetricTable) -> PageBlock? {
        guard let bytes = try? HeatmapFigure(table.table, title: nil).encoded(as: .svg) else { return nil }
        return .figure(
            PageFigure(
                PageFigure.Picture(bytes, .svg), alternative: "\(table.metric): \(table.table.title)",
                title: table.metric, caption: table.table.title, isDrawing: true))
    }

    private static func section(_ statistics: LatentStatistics) throws -> PageSection {
        let text = LatentText(statistics)
        var blocks: [PageBlock] = [.list(text.summary)]
        blocks += figures(statistics)
        blocks.append(
            .table(
                PageTable(
                    columns: text.headings.map { PageTable.Column($0.title, isNumber: $0.isNumber) },
                    rows: text.rows)))
        if !text.correlations.isEmpty {
            blocks.append(.paragraph("Strongest correlations of μ: \(text.correlations.joined(separator: ", "))."))
        }
        return PageSection("Latent space", blocks)
    }

    /// Plots of the statistics, as far as they can be drawn.
    private static func figures(_ statistics: LatentStatistics) -> [PageBlock] {
        let order = statistics.dimensionsByInformation
        let names = order.map { "z\($0)" }
        let measure = statistics.isVariational ? statistics.kl : statistics.varianceOfMean
        let what = statistics.isVariational ? "KL divergence from the prior (nats)" : "variance of the code"
        var blocks: [PageBlock] = []
        func add(_ title: String, _ caption: String, _ draw: () throws -> [UInt8]) {
            // What has no value that can be drawn is in the table all the same.
            guard let bytes = try? draw() else { return }
            blocks.append(
                .figure(
                    PageFigure(
                        PageFigure.Picture(bytes, .svg), alternative: "\(title); the numbers are in the table",
                        title: title, caption: caption, isDrawing: true)))
        }
        add("What each latent dimension carries", "Dimensions in blue are active, those in grey are not.") {
            try BarFigure(
                yLabel: what,
                bars: order.map {
                    BarFigure.Bar(name: "z\($0)", value: measure[$0], isHighlighted: statistics.active[$0])
                }
            ).encoded(as: .svg)
        }
        if !statistics.factors.isEmpty {
            let rows = statistics.factors.indices.map { factor in
                order.map { statistics.information(factor: factor, dimension: $0) }
            }
            let most = rows.flatMap { $0 }.compactMap { $0 }.filter(\.isFinite).max() ?? 0
            add(
                "Mutual information of each dimension with what is known of the images (nats)",
                "White is 0, blue \(Formatting.decimals(most, 2)) nats; estimated with \(MutualInformation.binCount) bins."
            ) {
                try HeatmapFigure(
                    rowNames: statistics.factors.map { $0.printable() }, columnNames: names, rows: rows,
                    scale: .sequential(most)
                ).encoded(as: .svg)
            }
        }
        let active = order.filter { statistics.active[$0] }
        if active.count > 1, !statistics.covariance.isEmpty {
            add("Correlations of μ between active dimensions", "Blue is +1, white 0, orange −1.") {
                try HeatmapFigure(
                    rowNames: active.map { "z\($0)" }, columnNames: active.map { "z\($0)" },
                    rows: active.map { i in active.map { statistics.correlation(i, $0) } }, scale: .diverging(1)
                ).encoded(as: .svg)
            }
        }
        return blocks
    }

    private func historySection() throws -> PageSection? {
        let history = history
        guard !history.isEmpty else { return nil }
        func points(_ value: (EpochSummary) -> Double?) -> [CurveFigure.Point] {
            history.compactMap { record in
                value(record).flatMap { $0.isFinite ? CurveFigure.Point(x: Double(record.epoch), y: $0) : nil }
            }
        }
        let curves = [
            ("training", points { $0.train.loss }), ("validation", points { $0.validation?.loss }),
            ("test", points { $0.test?.loss }),
        ]
        // Losses that are not numbers are a history all the same, but nothing to draw.
        guard curves.contains(where: { !$0.1.isEmpty }) else { return nil }
        let figure = CurveFigure(
            title: "Loss", xLabel: "epoch", yLabel: "nats per image",
            series: curves.filter { !$0.1.isEmpty }.map { CurveFigure.Series(name: $0.0, points: $0.1) })
        return PageSection(
            "Training",
            [.figure(try PageFigure(figure, alternative: "Curves of the losses over \(history.count) epochs"))])
    }

    private func weightsSection() -> PageSection {
        var rows: [[String]] = []
        var problems: [String] = []
        for index in weightIndices {
            // The histogram before the numbers, so that it is in sight where the page is narrow.
            let shape = TensorShapeText.text(entries[index].shape).replacing(" ", with: "")
            switch weights(at: index) {
            case .success(let statistics):
                let head = [entries[index].path, shape, statistics.blocks, entries[index].elementType]
                rows.append(head + statistics.cells.dropLast())
            case .failure(let error):
                rows.append([entries[index].path, shape, "", entries[index].elementType])
                problems.append(error.message)
            }
        }
        let columns =
            ["tensor", "shape", "histogram", "type"].map { PageTable.Column($0) }
            + ["min", "max", "mean", "sd", "zeros", "NaN/inf", "L2", "spectral", "stable rank"].map {
                PageTable.Column($0, isNumber: true)
            }
        rows = rows.map { $0 + [String](repeating: "", count: columns.count - $0.count) }
        // Columns that say the same of all tensors only take room.
        let shown = columns.indices.filter { column in
            !["type", "NaN/inf"].contains(columns[column].title) || Set(rows.map { $0[column] }).count > 1
        }
        let table = PageTable(columns: shown.map { columns[$0] }, rows: rows.map { row in shown.map { row[$0] } })
        return PageSection(
            "Weights",
            [
                .paragraph(
                    "L2 is √Σx²; spectral the largest singular value of the matrix [first axis, all others]; the stable "
                        + "rank (L2/spectral)² says how many directions the matrix stretches. Histograms run from the "
                        + "smallest to the largest value."),
                .table(table),
            ] + problems.map { .note($0) })
    }
}

import Datasets
import Figures
import ImageFiles
import Metrics
import ModelKit
import ModelMetrics
import Runs
import TensorCore
import TextSupport

extension Comparison {
    /// The comparison as a page.
    ///
    /// - Parameter command: the command line that makes it.
    /// - Throws: `ZooError` where a picture cannot be drawn.
    public func page(command: [String]) throws -> Page {
        let tables = [results, resultsOverSeeds, scoreTable].compactMap { $0.map { PageBlock.table($0) } }
        let words = (bestLine.map { [$0 + "."] } ?? []) + notes
        var sections = [PageSection("Results", tables + words.map { .note($0) })]
        let curves = try curveFigures()
        if !curves.isEmpty { sections.append(PageSection(Self.title(.loss), [.gallery(curves)])) }
        if let plane = rateDistortion {
            let words =
                "Each point is a model: the nats that its codes cost, and the nats that its reconstructions still miss."
            sections.append(
                PageSection(
                    "Rate and distortion", [.paragraph(words), .gallery([try PageFigure(plane, alternative: words)])]))
        }
        for figure in [ComparisonFigure.manifolds, .samples, .traversals, .reconstructions] {
            let figures = try pageFigures(figure)
            guard !figures.isEmpty else { continue }
            let blocks: [PageBlock] = figure == .reconstructions ? figures.map { .figure($0) } : [.gallery(figures)]
            sections.append(PageSection(Self.title(figure), [.paragraph(explanation(figure))] + blocks))
        }
        if let section = try factorSection() { sections.append(section) }
        sections.append(repetition(command))
        let names = Set(models.map(\.definition.name)).sorted().joined(separator: ", ")
        return Page(
            title: models.count == 1 ? "Results of \(models[0].label)" : "Comparison of \(models.count) models",
            subtitle: "\(names); \(datasets.joined(separator: ", "))", sections: sections,
            footer: "zoo \(ZooVersion.current). All losses are nats per image.")
    }

    private func curveFigures() throws -> [PageFigure] {
        guard models.contains(where: { !$0.history.epochs.isEmpty }) else { return [] }
        return try [ComparisonFigure.loss, .reconstruction, .kl, .trainingLoss].compactMap { kind in
            guard let curves = curves(kind), curves.series.contains(where: { $0.points.contains { $0.y.isFinite } })
            else { return nil }
            let ends = curves.series.compactMap { series in
                series.points.last.map { "\(series.name) ends at \(Formatting.decimals($0.y, 2))" }
            }
            return try PageFigure(
                curves,
                alternative: "Curves of \(curves.series.count) runs over the epochs, nats per image: "
                    + ends.joined(separator: "; "))
        }
    }

    private func pageFigures(_ kind: ComparisonFigure) throws -> [PageFigure] {
        var figures = try zip(models, pictures).compactMap { model, pictures -> PageFigure? in
            guard let picture = self.picture(kind, of: pictures) else { return nil }
            var caption = summary(model)
            if kind == .traversals, let dimensions = pictures.traversal?.dimensions {
                caption += "\(caption.isEmpty ? "" : ". ")Rows: \(dimensions.map { "z\($0)" }.joined(separator: ", "))"
            }
            return PageFigure(
                .init(try picture.encodedForPage(width: kind == .reconstructions ? 1000 : 640), .png),
                alternative: "\(Self.title(kind)) of \(model.label)", title: model.label, caption: caption)
        }
        if kind == .reconstructions, !figures.isEmpty, let originals {
            let numbers = inputs.shown.map { "\($0)" }.joined(separator: ", ")
            figures.insert(
                PageFigure(
                    .init(try originals.encodedForPage(width: 1000), .png), alternative: "The images themselves",
                    title: "Images", caption: "\(inputs.dataset?.info.name ?? ""), numbers \(numbers)"), at: 0)
        }
        return figures
    }

    /// The heat maps of metrics; of models that differ by the seed only, those of the first. nil where there are none.
    private func factorSection() throws -> PageSection? {
        let others = Set(seedGroups.flatMap { $0.paths.dropFirst() })
        let shown = models.filter { !others.contains($0.trained.path) }
        var names: [String] = []
        for table in shown.flatMap(\.tables) where !names.contains(table.metric) { names.append(table.metric) }
        guard !names.isEmpty else { return nil }
        var blocks: [PageBlock] = [
            .paragraph(
                "What each latent dimension has to do with each factor, by the metrics that were computed"
                    + (others.isEmpty ? "." : "; of models that differ by the seed, the first."))
        ]
        for name in names {
            let figures = try shown.compactMap { model in
                try model.tables.first { $0.metric == name }.map { table in
                    PageFigure(
                        .init(try HeatmapFigure(table.table, title: nil).encoded(as: .svg), .svg),
                        alternative: "\(name) of \(model.label): \(table.table.title), factors by latent dimensions",
                        title: model.label, caption: "\(name): \(table.table.title)", isDrawing: true)
                }
            }
            blocks.append(.gallery(figures))
        }
        return PageSection("Factors and latent dimensions", blocks)
    }

    private func repetition(_ command: [String]) -> PageSection {
        let known = models.filter { !$0.command.isEmpty }
        var blocks: [PageBlock] = []
        if !known.isEmpty {
            blocks.append(.paragraph("Training:"))
            blocks.append(.code(known.map { CommandText.text($0.command) }.joined(separator: "\n")))
        }
        let unknown = models.filter(\.command.isEmpty).map { "\($0.label): \($0.trained.path)" }
        if !unknown.isEmpty {
            blocks.append(.paragraph("Checkpoints that do not say which command made them:"))
            blocks.append(.list(unknown))
        }
        blocks.append(.paragraph("This page:"))
        blocks.append(.code(CommandText.text(command)))
        return PageSection("How to repeat this", blocks)
    }
}

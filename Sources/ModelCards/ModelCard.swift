import Checkpoints
import Datasets
import Figures
import FileSupport
import LatentTools
import Metrics
import ModelFigures
import ModelKit
import ModelMetrics
import ObjectiveLibrary
import Planning
import Runs
import TensorCore
import TextSupport
import Training

/// What to know of a trained model before using it, made from its checkpoint and the metrics that are kept beside it (Mitchell and
/// others 2019).
public struct ModelCard {
    public let model: TrainedModel
    /// What the card calls it.
    public let name: String
    /// SHA-256 of the checkpoint's file.
    public let digest: String
    public let evaluations: [EvaluationRecord.Entry]

    /// - Parameter name: nil for the definition's.
    /// - Throws: `ZooError` where the checkpoint or the record of its metrics cannot be read.
    public init(_ model: TrainedModel, name: String? = nil) throws {
        self.model = model
        self.name = name ?? model.definition.name
        let digest = try EvaluationRecord.digest(ofCheckpoint: model.path)
        self.digest = digest
        evaluations = try EvaluationRecord(reading: EvaluationRecord.path(ofCheckpoint: model.path)).entries.filter {
            $0.digest == digest
        }
    }

    // MARK: Facts

    private var provenance: [String: String] { model.checkpoint.provenance }

    /// What it is.
    public var facts: [(name: String, value: String)] {
        let definition = model.definition
        let count = model.checkpoint.parameters.reduce(0) { $0 + $1.values.count }
        var facts = [
            ("definition", definition.name), ("family", definition.family),
            ("objective", "\(definition.objective.formula), nats per image"), ("input", "\(definition.input)"),
            ("latent dimensions", String(definition.latentSize)), ("parameters", Formatting.grouped(count)),
        ]
        let papers = definition.references.map { reference in
            [reference.authors, reference.title, reference.year.map(String.init)].compactMap(\.self).joined(
                separator: ", ")
        }
        if !papers.isEmpty { facts.append(("papers", papers.joined(separator: "; "))) }
        facts.append(("checkpoint's sha256", digest))
        return facts
    }

    /// How it was trained.
    public var training: [(name: String, value: String)] {
        var facts: [(String, String)] = []
        func add(_ name: String, _ value: String?) { if let value { facts.append((name, value)) } }
        add("data set", model.dataset)
        add("images", provenance["splits"])
        add("licence of the data", provenance["dataset_license"])
        add("source of the data", provenance["dataset_source"])
        add("command", provenance["command"])
        let progress = model.checkpoint.progress
        add("seed", progress.map { String($0.seed) } ?? provenance["seed"])
        add("epochs", progress.map { String($0.epoch) } ?? provenance["epochs"])
        add("steps", (progress?.step ?? provenance["steps"].flatMap(Int.init)).map(Formatting.grouped))
        let seconds = progress?.elapsedSeconds ?? provenance["training_seconds"].flatMap(Double.init)
        add("time", seconds.map { Formatting.duration($0) })
        add("precision", provenance["precision"])
        let machine = [
            provenance["instruction_set"], provenance["threads"].map { "\($0) threads" }, provenance["engine"],
        ].compactMap(\.self)
        add("computed by", machine.isEmpty ? nil : machine.joined(separator: ", "))
        add("tool", provenance["tool"])
        add("licence of the weights", provenance["license"])
        return facts
    }

    /// What cannot be expected of it, as far as the checkpoint says.
    public var limits: [String] {
        let definition = model.definition
        var limits: [String] = []
        if let dataset = model.dataset {
            limits.append("It has seen images of \(dataset) only; what it makes of others means nothing.")
        }
        if let statistics = model.checkpoint.latentStatistics {
            let active = statistics.active.count { $0 }
            if active < definition.latentSize, definition.isVariational {
                limits.append(
                    "\(definition.latentSize - active) of its \(definition.latentSize) latent dimensions say nothing of the image."
                )
            }
        }
        if definition.objective.terms.contains(where: { if case .bernoulli = $0.likelihood { true } else { false } }) {
            limits.append(
                "Its Bernoulli likelihood takes grey values for probabilities: its losses compare with others of that kind only."
            )
        }
        if !definition.isVariational, !definition.hasPrior {
            limits.append("It has no prior: images decoded from random codes are a curiosity.")
        }
        if !evaluations.isEmpty {
            limits.append("Its metrics are of one trained model; models of other seeds differ.")
        }
        return limits
    }

    /// A row for each score, with what it was computed by.
    var scoreRows: [[String]] {
        evaluations.flatMap { entry in
            entry.reports.flatMap { report in
                report.scores.map { score in
                    let spread = score.standardDeviation.map { " ± \(Self.number($0))" } ?? ""
                    return [
                        score.name, Self.number(score.value) + spread, score.unit ?? "",
                        Self.protocolWords(report, entry),
                    ]
                }
            }
        }
    }

    private static func number(_ value: Double) -> String {
        abs(value) >= 100 ? Formatting.decimals(value, 2) : Formatting.decimals(value, 4)
    }

    private static func protocolWords(_ report: MetricReport, _ entry: EvaluationRecord.Entry) -> String {
        // The published protocols draw from all images.
        let isOfAll = BuiltInMetrics.all.first { $0.name == report.metric }?.group == .disentanglement
        var words = ["\(isOfAll ? "" : entry.split + " ")images of \(entry.dataset)", "seed \(entry.seed)"]
        if entry.repetitions > 1 { words.append("\(entry.repetitions) repetitions") }
        words += report.parameters.map { "\($0.name) \($0.value.text())" }
        if let features = entry.features { words.append("features of \(features)") }
        if !entry.withoutFactors.isEmpty { words.append("without \(entry.withoutFactors.joined(separator: ", "))") }
        return words.joined(separator: ", ")
    }

    // MARK: Pictures

    /// Pictures of what it makes, each with a name for its file; none for a model whose inputs are no images.
    ///
    /// - Throws: `ZooError` where one cannot be drawn.
    public func pictures() throws -> [(name: String, title: String, png: [UInt8])] {
        guard model.definition.input.rank == 3, [1, 3].contains(model.definition.input.channels) else { return [] }
        let pictures = try model.pictures()
        var result: [(String, String, [UInt8])] = []
        if model.definition.hasPrior {
            var source = RegionSource(
                model.definition, plan: pictures.plan, images: nil, pseudoInputs: model.pseudoInputs, seed: 0)
            let latents = try source.draw(.prior, count: 40)
            let classes = model.definition.classCount.map { count in (0..<40).map { $0 % count } }
            var grid = ImageGrid(
                images: try pictures.decoded(latents, classes: classes), columns: 10,
                words: model.words("Samples from the \(source.name(of: .prior))", ["seed 0"]))
            if let classes { grid.imageCaptions = classes.map { "class \($0)" } }
            result.append(("samples", "Samples", try grid.encoded(as: .png)))
        }
        if let statistics = model.checkpoint.latentStatistics, statistics.latentSize == model.definition.latentSize,
            model.definition.classCount == nil
        {
            let order = Array(statistics.dimensionsByInformation.prefix(10))
            let start =
                statistics.isVariational
                ? [Float](repeating: 0, count: statistics.latentSize) : statistics.meanOfMean.map { Float($0) }
            let range = TraversalRange.posterior
            let traversal = try LatentTraversal(start: start, dimensions: order, steps: 10) {
                range.spacing($0, statistics)
            }
            let figure = TraversalFigure(
                traversal: traversal, range: range,
                captions: traversal.rows.map { row in
                    TraversalFigure.caption(
                        row.dimension, kl: statistics.isVariational ? statistics.kl(of: row.dimension) : nil,
                        factor: statistics.strongestFactor(of: row.dimension))
                })
            let words = model.words("What each latent dimension does", [range.description])
            result.append(
                ("traversal", "Latent dimensions", try pictures.traversal(figure, words: words).encoded(as: .png)))
        }
        return result
    }

    // MARK: Forms

    /// The card as a page with everything in it.
    ///
    /// - Throws: as `pictures`.
    public func page() throws -> Page {
        func table(_ facts: [(name: String, value: String)]) -> PageBlock {
            .table(
                PageTable(
                    columns: [PageTable.Column("field"), PageTable.Column("value")],
                    rows: facts.map { [$0.name, $0.value] }))
        }
        var sections = [
            PageSection("What it is", [.paragraph(model.definition.summary), table(facts)]),
            PageSection("How it was trained", [table(training)]),
        ]
        if !scoreRows.isEmpty {
            sections.append(
                PageSection(
                    "How good it is",
                    [
                        .table(
                            PageTable(
                                columns: [
                                    PageTable.Column("metric"), PageTable.Column("value", isNumber: true),
                                    PageTable.Column("unit"), PageTable.Column("protocol"),
                                ], rows: scoreRows))
                    ]))
        }
        let figures = try pictures().map { picture in
            PageBlock.figure(
                PageFigure(.init(picture.png, .png), alternative: "\(picture.title) of \(name)", title: picture.title))
        }
        if !figures.isEmpty { sections.append(PageSection("What it makes", figures)) }
        sections.append(PageSection("Limits", [.list(limits)]))
        sections.append(PageSection("Definition", [.code(model.definition.text)]))
        return Page(
            title: name, subtitle: model.definition.objective.formula, sections: sections,
            footer: "zoo \(ZooVersion.current), from the checkpoint alone")
    }

    /// Writes the card: as a page (`.html`), or as Markdown (`.md`) with its pictures beside it.
    ///
    /// - Throws: `ZooError` for another extension, where a picture cannot be drawn, or a file not be written.
    public func write(to path: String) throws {
        if Page.isPage(path) {
            try page().write(to: path)
        } else if path.lowercased().hasSuffix(".md") {
            let base = String(path.dropLast(3))
            let name = base.split(separator: "/").last.map(String.init) ?? base
            for picture in try pictures() { try AtomicFile.write(picture.png, to: "\(base)-\(picture.name).png") }
            try AtomicFile.write(Array(try markdown { "\(name)-\($0).png" }.utf8), to: path)
        } else {
            throw ZooError("a card is written as .html or .md, not as '\(path)'", kind: .usage, code: .unsupported)
        }
    }

    /// The card as Markdown.
    ///
    /// - Parameter picturePath: the relative path of the file of a picture, by its name.
    /// - Throws: as `pictures`.
    public func markdown(picturePath: (String) -> String) throws -> String {
        func cell(_ text: String) -> String {
            text.printable().split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
        }
        func table(_ headings: [String], _ rows: [[String]]) -> [String] {
            ["| \(headings.joined(separator: " | ")) |", "|\(headings.map { _ in "---|" }.joined())"]
                + rows.map { "| \($0.map(cell).joined(separator: " | ")) |" }
        }
        var lines = ["# \(cell(name))", "", cell(model.definition.summary), ""]
        lines += table(["", ""], facts.map { [$0.name, $0.value] })
        lines += ["", "## How it was trained", ""] + table(["", ""], training.map { [$0.name, $0.value] })
        if !scoreRows.isEmpty {
            lines += ["", "## How good it is", ""] + table(["metric", "value", "unit", "protocol"], scoreRows)
        }
        let pictures = try pictures()
        if !pictures.isEmpty {
            lines += ["", "## What it makes", ""]
            for picture in pictures { lines += ["![\(picture.title)](\(picturePath(picture.name)))", ""] }
        }
        lines += ["", "## Limits", ""] + limits.map { "- \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }
}

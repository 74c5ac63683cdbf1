import ArgumentParser
import Datasets
import Figures
import LatentTools
import ModelFigures
import ModelKit
import Planning
import Runs
import TensorCore
import TextSupport

struct TraverseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "traverse", abstract: "What each latent dimension does: one at a time through a range of values.",
        discussion: """
            A row for each dimension, ordered by its KL and captioned with it and, where the data set knows factors or labels,
            with the one it tells most about (mutual information). An animation moves all dimensions at once.

            \(Tool.name) traverse runs/beta-vae-sprites --range -3..3
            \(Tool.name) traverse runs/conv-vae-mnist --dimensions 3,7 --start 42 --range posterior --output traversal.gif
            """)

    @OptionGroup var options: LatentOptions

    @Option(help: ArgumentHelp("all, active (variance of μ above 0.01), or numbers.", valueName: "i,j,…"))
    var dimensions: String = "active"

    @Option(parsing: .unconditional, help: "At most so many dimensions, those with the most KL.")
    var top: Int = 12

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("-3..3 and the like, posterior (mean ± 3 deviations), or quantile.", valueName: "range"))
    var range: TraversalRange?

    @Option(parsing: .unconditional, help: "Values of each dimension.")
    var steps: Int = 11

    @Option(
        help: ArgumentHelp(
            "Where rows start: prior (z = 0), an image by number, as class:NAME or a file, or a latent vector, its numbers with "
                + "commas between.", valueName: "start"))
    var start: String = "prior"

    @Flag(help: "Crop and resize an image file of another size.")
    var resize = false

    func validate() throws {
        try requireRange("--steps", steps, 2...200)
        try requireRange("--top", top, 1...10_000)
    }

    func run() throws {
        let model = try options.model()
        try model.definition.requireContinuousCodes(for: "traversal")
        let files = try options.files(
            model, "traversal", extensions: model.definition.input.rank == 1 ? ["png"] : ["png", "gif"],
            allowed: ["gif"])
        let size = model.definition.latentSize
        let choice = try DimensionChoice(argument: dimensions, size: size)
        if start == "prior" || range == nil || range == .quantile {
            try model.definition.requirePrior(
                start == "prior" ? "whose mean rows could start at" : "that says how far to go",
                advice: "start at an image and give values: --start 0 --range posterior")
        }
        let drawing = try model.drawing()
        let range = range ?? .values(-3...3)
        let statistics = try statistics(model, drawing.plan, isNeeded: range == .posterior || choice == .active)
        let (origin, startName, source) = try origin(model, drawing.plan)
        let (candidates, isFallback) = choice.dimensions(by: statistics, size: size)
        if isFallback { Console.warn("no dimension is active: all are shown") }
        var shown = candidates
        if ["all", "active"].contains(dimensions) { shown = Array(candidates.prefix(top)) }
        let traversal = try LatentTraversal(start: origin, dimensions: shown, steps: steps) {
            range.spacing($0, statistics)
        }
        let figure = TraversalFigure(
            traversal: traversal, range: range,
            captions: traversal.rows.map { row in
                TraversalFigure.caption(
                    row.dimension, kl: statistics?.kl(of: row.dimension),
                    factor: statistics?.strongestFactor(of: row.dimension))
            })
        var details = ["start \(startName)"] + source + [range.description]
        if let statistics {
            let dataset = statistics.dataset.map { " of \($0)" } ?? ""
            details.append(
                "KL and MI over \(Formatting.grouped(statistics.imageCount)) \(statistics.split) images\(dataset)")
        }
        if shown.count < candidates.count {
            details.append("\(shown.count) of \(candidates.count) \(dimensions) dimensions")
        }
        let words = model.words("What each latent dimension does", details)
        for file in files {
            if file.lowercased().hasSuffix(".gif") {
                try drawing.requireImages(for: "animation").animation(figure, words: words).write(to: file)
            } else {
                try drawing.traversal(figure, words: words).write(to: file)
            }
        }
        report(files, model, traversal, statistics, startName)
    }

    /// Statistics of the split: those in the checkpoint if they are of it, else computed. Where no data set is at hand and
    /// none is needed, the figure goes without.
    private func statistics(
        _ model: TrainedModel, _ plan: InferencePlan, isNeeded: Bool
    ) throws -> LatentStatistics? {
        if !options.data.isGiven, let stored = try model.storedStatistics(of: options.split) { return stored }
        do {
            let images = try options.images(for: model)
            return try LatentStatistics(
                of: images.dataset, indices: images.indices, split: images.split.rawValue, plan: plan)
        } catch let error as ZooError where !isNeeded && !options.data.isGiven {
            Console.warn(lines: "without KL and factors: \(error.description(advice: nil))")
            return nil
        }
    }

    /// Where rows start, its name, and in words where that comes from.
    private func origin(
        _ model: TrainedModel, _ plan: InferencePlan
    ) throws -> (latent: [Float], name: String, source: [String]) {
        guard start != "prior" else {
            return ([Float](repeating: 0, count: model.definition.latentSize), "z = 0", [])
        }
        if start.contains(","), let vector = LatentVectorArgument(argument: start) {
            return (try vector.values(for: model.definition), "a latent vector", [])
        }
        let (images, source) = try options.chosen(
            [ImageReference(argument: start)], for: model, resizing: resize)
        let image = images[0][0]
        // Of a conditional model, all rows are of the image's class.
        if model.definition.classCount != nil, plan.imageClass == nil {
            plan.imageClass = image.label
        }
        return (Array(try plan.encode(image.tensor).mean[0]), image.name, source)
    }

    private func report(
        _ files: [String], _ model: TrainedModel, _ traversal: LatentTraversal, _ statistics: LatentStatistics?,
        _ startName: String
    ) {
        options.report(
            files, model,
            [
                "start": traversal.start, "start_name": startName,
                "rows": traversal.rows.map { row -> JSONValue in
                    let strongest = statistics?.strongestFactor(of: row.dimension)
                    return [
                        "dimension": row.dimension, "kl": statistics?.kl(of: row.dimension),
                        "active": statistics.map { JSONValue.boolean($0.active[row.dimension]) },
                        "factor": strongest?.name, "mutual_information": strongest?.nats, "values": row.values,
                    ]
                },
            ])
    }
}

import ArgumentParser
import Datasets
import Figures
import ModelComparison
import ModelKit
import ModelMetrics
import Planning
import Runs
import TensorCore
import TextSupport

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compare trained models: losses, curves, samples, reconstructions.",
        discussion: """
            All models are shown the same images and the same latent vectors. Prints a table; --output writes a page (.html)
            with everything in it, or one of its figures (.png, .svg, .pdf).

              \(Tool.name) compare runs/conv runs/mlp --output report.html
              \(Tool.name) compare runs/sweep-mlp-vae-mnist-2d --figure manifolds --output manifolds.png
            """)

    @Argument(
        help: ArgumentHelp("Runs, checkpoints or sweeps.", valueName: "run|checkpoint|sweep"), completion: .trained)
    var arguments: [String]

    @OptionGroup var models: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The page (.html), or the picture of --figure (.png, .svg or .pdf).", valueName: "file"),
        completion: .figure)
    var output: String?

    @Option(
        help: ArgumentHelp(
            "What a picture shows: \(ComparisonFigure.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "figure"), completion: .list(ComparisonFigure.allCases.map(\.rawValue)))
    var figure: String?

    @Option(
        help: ArgumentHelp(
            "Say which is best by a score: of a metric that was computed, or loss, reconstruction, half_squared_error, udr.",
            valueName: "score"), completion: .list(Ranking.names))
    var bestBy: String?

    @Option(parsing: .unconditional, help: "Samples of each model.")
    var samples: Int = 36

    @Option(parsing: .unconditional, help: "Images to reconstruct.")
    var images: Int = 10

    @Option(help: "Seed of the latent vectors.")
    var seed: UInt64 = 0

    @Option(parsing: .unconditional, help: "Threads that compute (default: all cores).")
    var threads: Int?

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func validate() throws {
        try requireRange("--samples", samples, 1...400)
        try requireRange("--images", images, 1...40)
    }

    func run() throws {
        try Computing.use(threads: threads)
        let figure = try chosenFigure()
        let ranking = try bestBy.map { try Ranking(by: $0) }
        var comparison = try Comparison(
            of: arguments, registry: try models.registry(), data: data, sampleCount: samples, imageCount: images,
            seed: seed)
        comparison.ranking = ranking
        if let output {
            if let figure {
                try comparison.write(figure, to: output)
            } else {
                try comparison.page(command: [Tool.name] + ZooContext.arguments).write(to: output)
            }
        }
        comparison.show(output: output, isJSON: json)
    }

    /// The figure that is written to `output`; nil for a page or none.
    private func chosenFigure() throws -> ComparisonFigure? {
        guard let output, !Page.isPage(output) else {
            guard figure == nil else {
                throw ZooError(
                    "--figure needs a picture to be written: --output FILE.png, .svg or .pdf",
                    advice: "a page (.html) has all figures", kind: .usage)
            }
            return nil
        }
        _ = try FigureFormat(path: output)
        let names = ComparisonFigure.allCases.map(\.rawValue)
        guard let figure else {
            throw ZooError(
                "\(output) is a picture: say which with --figure \(names.joined(separator: "|"))",
                advice: "or give --output FILE.html for a page with all of them", kind: .usage)
        }
        guard let chosen = ComparisonFigure(rawValue: figure) else {
            let near = nearestName(to: figure, among: names).map { "did you mean \($0)? " } ?? ""
            throw ZooError(
                "--figure \(figure): there is no such figure",
                advice: near + "there are \(names.joined(separator: ", "))",
                kind: .usage)
        }
        return chosen
    }
}

extension Comparison {
    /// Compares what arguments name, and warns of what has to be left out.
    init(
        of arguments: [String], registry: Registry, data: DataOptions, sampleCount: Int, imageCount: Int, seed: UInt64
    ) throws {
        let (models, notes) = try ComparedModel.all(arguments, registry: registry)
        for note in notes + models.flatMap(\.trained.notes) { Console.warn(lines: note) }
        try Self.checkSizes(models)
        var dataset: (any Dataset)?
        if let first = models.first {
            do {
                dataset = try data.open(for: first.trained)
            } catch  where !data.isGiven {
                Console.warn(lines: "there will be no reconstructions and no squared errors: \(error)")
            }
        }
        try self.init(models, dataset: dataset, sampleCount: sampleCount, imageCount: imageCount, seed: seed)
    }

    /// Prints the tables, with what a reader has to know on standard error, or the numbers as JSON.
    func show(output: String?, isJSON: Bool) {
        if isJSON { return Console.print(json) }
        for (index, table) in [results, resultsOverSeeds, scoreTable].compactMap(\.self).enumerated() {
            if index > 0 { Console.print("") }
            for line in Table(table).lines { Console.print(line) }
            Console.writeError(table.caption)
        }
        if let bestLine {
            Console.print("")
            Console.print(bestLine)
        } else if let ranking {
            let command =
                ranking.metric.map { "; compute it with `\(Tool.name) evaluate MODEL --metrics \($0.name)`" } ?? ""
            Console.warn("none of the models has a number for \(ranking.name)\(command)")
        }
        for note in notes { Console.writeError("Note: \(note)") }
        if let output { Console.writeError("wrote", .green, " \(output)") }
    }
}

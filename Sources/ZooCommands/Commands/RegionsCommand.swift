import ArgumentParser
import Datasets
import Figures
import LatentTools
import ModelFigures
import ModelKit
import Runs
import TensorCore
import TextSupport

struct RegionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "regions", abstract: "Samples from several regions of latent space, and where they degrade.",
        discussion: """
            For each region: ‖z‖; the distance of a sample to the nearest training image (Euclidean, pixels from 0 to 1); the
            entropy of a pixel and the sharpness of the decoded images; the cycle error ‖z − μ(decode(z))‖ over the active
            dimensions; and how much samples differ from each other. Regions are those of `\(Tool.name) sample --from`.

            \(Tool.name) regions runs/conv-vae-mnist
            \(Tool.name) regions runs/conv-vae-mnist --regions prior shell:2 shell:8 class:5
            """)

    @OptionGroup var options: LatentOptions

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The regions (default: posterior, aggregate, prior, three shells, and a box).", valueName: "region…"))
    var regions: [String] = []

    @Option(parsing: .unconditional, help: "Samples that are measured in each region.")
    var count: Int = 64

    @Option(parsing: .unconditional, help: "Samples of each region in the picture.")
    var shown: Int = 10

    @Option(parsing: .unconditional, help: "Training images to measure distances to, evenly spread; 0 for none.")
    var trainingImages: Int = 10_000

    func validate() throws {
        try requireRange("--count", count, 2...10_000)
        try requireRange("--shown", shown, 1...50)
        try requireRange("--training-images", trainingImages, 0...1_000_000)
    }

    func run() throws {
        let asked = try regions.map { try LatentRegion(argument: $0) }
        let model = try options.model()
        try model.definition.requireContinuousCodes(for: "comparison of regions")
        let files = try options.files(model, "regions")
        let drawing = try model.drawing()
        let comparison = try RegionComparison(
            model, drawing: drawing, regions: asked, count: count, shown: shown, trainingImages: trainingImages,
            seed: options.seed
        ) { try options.images(for: model) }
        let dimensions = comparison.dimensions
        let verdict = comparison.verdict.sentence
        let details = [
            "\(count) samples measured per region", comparison.images?.description, "seed \(options.seed)",
            comparison.trainingCount.map {
                "distance: Euclidean, pixels 0 … 1, to the nearest of \(Formatting.grouped($0)) training images"
            },
            dimensions.count < model.definition.latentSize
                ? "cycle error over the \(dimensions.count) active dimensions" : nil,
        ].compactMap(\.self)
        var words = model.words("Regions of latent space", details)
        words.subtitle += "\n" + verdict
        let figure = try drawing.regions(comparison.rows, words: words)
        for file in files { try figure.write(to: file) }
        let analyses = comparison.rows.map(\.analysis)
        options.report(
            files, model,
            [
                "training_images": comparison.trainingCount, "cycle_dimensions": dimensions, "verdict": verdict,
                "regions": analyses.map(\.json),
            ])
        guard !options.json else { return }
        for line in RegionVerdict.table(analyses) + [verdict] { Console.print(line) }
    }
}

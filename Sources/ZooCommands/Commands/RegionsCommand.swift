import ArgumentParser
import Checkpoints
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
        guard (2...10_000).contains(count) else { throw ValidationError("--count must lie in 2…10000, is \(count)") }
        guard (1...50).contains(shown) else { throw ValidationError("--shown must lie in 1…50, is \(shown)") }
        guard (0...1_000_000).contains(trainingImages) else {
            throw ValidationError("--training-images must lie in 0…1000000, is \(trainingImages)")
        }
    }

    func run() throws {
        let asked = try regions.map { try LatentRegion(argument: $0) }
        let model = try options.model()
        try model.definition.requireContinuousCodes(for: "comparison of regions")
        let files = try options.files(model, "regions")
        let drawing = try model.drawing()
        let chosen = asked.isEmpty ? defaultRegions(model) : asked
        let needsImages = trainingImages > 0 || chosen.contains(where: \.needsImages)
        let images = needsImages ? try options.images(for: model) : nil
        let training = try images.flatMap { images -> NearestImages? in
            guard trainingImages > 0 else { return nil }
            let train = try model.images(of: images.dataset, split: .train).indices
            return NearestImages(of: images.dataset, indices: train, count: trainingImages)
        }
        let dimensions = activeDimensions(model)
        var source = RegionSource(
            model.definition, plan: drawing.plan, images: images, pseudoInputs: model.pseudoInputs,
            seed: options.seed)
        var rows: [RegionRow] = []
        for region in chosen {
            let latents = try source.draw(region, count: count)
            let analysis = try RegionAnalysis(
                name: source.name(of: region), latents: latents, dimensions: dimensions, plan: drawing.plan,
                hasProbabilities: model.definition.objective.isBernoulli, training: training)
            rows.append(RegionRow(analysis: analysis, latents: Array(latents.prefix(shown))))
        }
        let verdict = RegionVerdict(rows.map(\.analysis), of: chosen).sentence
        let details = [
            "\(count) samples measured per region", images?.description, "seed \(options.seed)",
            training.map {
                "distance: Euclidean, pixels 0 … 1, to the nearest of \(Formatting.grouped($0.count)) training images"
            },
            dimensions.count < model.definition.latentSize
                ? "cycle error over the \(dimensions.count) active dimensions" : nil,
        ].compactMap(\.self)
        var words = model.words("Regions of latent space", details)
        words.subtitle += "\n" + verdict
        let figure = try drawing.regions(rows, words: words)
        for file in files { try figure.write(to: file) }
        options.report(
            files, model,
            [
                ("training_images", JSONValue(training?.count)),
                ("cycle_dimensions", .array(dimensions.map { .integer($0) })), ("verdict", .string(verdict)),
                ("regions", .array(rows.map(\.analysis.json))),
            ])
        guard !options.json else { return }
        for line in RegionVerdict.table(rows.map(\.analysis)) + [verdict] { Console.print(line) }
    }

    /// The active dimensions, as far as the checkpoint knows them; else all.
    private func activeDimensions(_ model: TrainedModel) -> [Int] {
        let all = Array(0..<model.definition.latentSize)
        guard let active = model.checkpoint.latentStatistics?.active, active.count == all.count else { return all }
        let found = all.filter { active[$0] }
        return found.isEmpty ? all : found
    }

    /// What images are encoded to, the prior and its approximation, and spheres inside, on and outside the one near which
    /// nearly all of the prior's mass lies.
    private func defaultRegions(_ model: TrainedModel) -> [LatentRegion] {
        let radius = Double(model.definition.latentSize).squareRoot()
        let shells = [0.5, 1, 2].map { LatentRegion.shell(radius: (radius * $0 * 100).rounded() / 100) }
        let spread = [LatentRegion.box(-3...3)]
        let posterior: [LatentRegion] = model.definition.isVariational ? [.posterior] : []
        return model.definition.hasPrior
            ? posterior + [.aggregate, .prior] + shells + spread : [.aggregate] + shells
    }
}

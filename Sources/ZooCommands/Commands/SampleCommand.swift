import ArgumentParser
import Datasets
import Figures
import LatentTools
import ModelFigures
import ModelKit
import NumberFiles
import Planning
import Runs
import TensorCore
import TextSupport

struct SampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample", abstract: "Draw images from the prior or another region of latent space.",
        discussion: """
            Regions: prior; aggregate (the Gaussian fitted to all posteriors of the split), mixture:K (K Gaussians) and
            posterior (the posteriors themselves); shell:R and box:A..B; near:INDEX:SIGMA, around an image of the data set; class:NAME.

            \(Tool.name) sample runs/conv-vae-mnist --count 64 --temperature 0.7
            \(Tool.name) sample runs/conv-vae-mnist --from class:5
            \(Tool.name) sample runs/conditional-vae-mnist --class 7
            \(Tool.name) sample runs/rae-mnist --from mixture:10
            \(Tool.name) sample runs/mlp-vae-mnist-2d --latent=-1,0.5 --latent=0,0
            \(Tool.name) sample runs/moons --count 2000 --output samples.png --output samples.csv

            .npz and .csv get the numbers, in the units of the data.
            """)

    @OptionGroup var options: LatentOptions

    @Option(parsing: .unconditional, help: "Images to draw.")
    var count: Int = 64

    @Option(parsing: .unconditional, help: "Factor of the deviations of latent vectors.")
    var temperature: Float = 1

    @Option(help: ArgumentHelp("The region of latent space.", valueName: "region"))
    var from: String = "prior"

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A latent vector to decode in place of draws, its numbers with commas between; may be given several times.",
            valueName: "numbers"))
    var latent: [LatentVectorArgument] = []

    func validate() throws {
        try requireRange("--count", count, 1...10_000)
        guard temperature >= 0, temperature <= 100 else {
            throw ValidationError("--temperature must lie in 0…100, is \(temperature)")
        }
    }

    func run() throws {
        guard latent.isEmpty else { return try decode() }
        let region = try LatentRegion(argument: from)
        let model = try options.model()
        let files = try options.files(model, "samples", allowed: NumberTable.extensions)
        let drawing = try model.drawing()
        let images = region.needsImages ? try options.images(for: model) : nil
        var source = RegionSource(
            model.definition, plan: drawing.plan, images: images, pseudoInputs: model.pseudoInputs, seed: options.seed,
            temperature: temperature)
        let latents = try source.draw(region, count: count)
        let details = [
            options.drawing.imageClass.map { "class \($0)" }, images?.description, "seed \(options.seed)",
        ].compactMap(\.self)
        let words = model.words("Samples from the \(source.name(of: region))", details)
        for file in files {
            if NumberTable.isTable(file) {
                let decoded = try drawing.inUnitsOfData(drawing.plan.decode(Tensor(rows: latents)))
                try NumberTable(arrays: [("sample", decoded)]).write(to: file)
            } else {
                try drawing.samples(latents, data: options.background(model, drawing, images), words: words).write(
                    to: file)
            }
        }
        options.report(
            files, model,
            ["from": from, "temperature": Double(temperature), "latents": latents])
    }

    /// The pictures of given latent vectors.
    private func decode() throws {
        let model = try options.model()
        let files = try options.files(model, "samples")
        let latents = try latent.map { try $0.values(for: model.definition) }
        let details = [options.drawing.imageClass.map { "class \($0)" }].compactMap(\.self)
        let figure = try model.drawing().samples(latents, words: model.words("Decoded latent vectors", details))
        for file in files { try figure.write(to: file) }
        options.report(files, model, ["latents": latents])
    }
}

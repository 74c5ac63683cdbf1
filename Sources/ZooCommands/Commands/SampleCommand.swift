import ArgumentParser
import Figures
import LatentTools
import ModelKit
import TensorCore

struct SampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample", abstract: "Draw images from the prior of a trained model.",
        discussion: "zoo sample runs/conv-vae-mnist-20261120-231501 --count 64 --output samples.png")

    @OptionGroup var options: LatentOptions

    @Option(parsing: .unconditional, help: "Images to draw.")
    var count: Int = 64

    @Option(parsing: .unconditional, help: "Deviation of the latent vectors; the prior's is 1.")
    var temperature: Float = 1

    func validate() throws {
        guard (1...10_000).contains(count) else { throw ValidationError("--count must lie in 1…10000, is \(count)") }
        guard temperature >= 0, temperature <= 100 else {
            throw ValidationError("--temperature must lie in 0…100, is \(temperature)")
        }
    }

    func run() throws {
        let model = try options.model()
        try model.requirePrior("to draw from", advice: "see its reconstructions with `zoo reconstruct`")
        let files = try options.files(model, "samples")
        let latents = Pictures.priorLatents(
            count: count, size: model.definition.latentSize, seed: options.seed, temperature: temperature)
        let title = temperature == 1 ? "Samples from the prior" : "Samples from the prior, deviation \(temperature)"
        let figure = try model.pictures().samples(latents, words: model.words(title, ["seed \(options.seed)"]))
        for file in files { try figure.write(to: file) }
        options.report(files, model, [("latents", JSONValue(latents))])
    }
}

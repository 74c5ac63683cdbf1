import ArgumentParser
import Checkpoints
import Datasets
import Figures
import ModelKit
import Planning
import TensorCore
import Training

struct SampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample", abstract: "Draw images from the prior of a trained model.",
        discussion: "zoo sample runs/conv-vae-mnist-20261120-231501 --count 64 --output samples.png")

    @Argument(help: "A checkpoint, or a run's folder.")
    var checkpoint: String

    @OptionGroup var models: ModelOptions

    @Option(parsing: .unconditional, help: "Images to draw.")
    var count: Int = 64

    @Option(parsing: .unconditional, help: "Deviation of the latent vectors; the prior's is 1.")
    var temperature: Float = 1

    @Option(help: "Seed of the latent vectors.")
    var seed: UInt64 = 0

    @Option(name: .shortAndLong, help: ArgumentHelp("The picture: .png, .svg or .pdf.", valueName: "file"))
    var output: String

    @Flag(help: "One JSON object on standard output, latent vectors included.")
    var json = false

    func validate() throws {
        guard (1...10_000).contains(count) else { throw ValidationError("--count must lie in 1…10000, is \(count)") }
        guard temperature >= 0, temperature <= 100 else {
            throw ValidationError("--temperature must lie in 0…100, is \(temperature)")
        }
    }

    func run() throws {
        let model = try TrainedModel(checkpoint, registry: try models.registry())
        guard model.definition.isVariational else {
            throw ZooError(
                "\(model.definition.name) is a plain autoencoder: it has no prior to draw from",
                advice: "see its reconstructions with `zoo reconstruct`", kind: .usage)
        }
        let latents = Pictures.priorLatents(
            count: count, size: model.definition.latentSize, seed: seed, temperature: temperature)
        let pictures = try Pictures(try model.inference())
        let title = temperature == 1 ? "Samples from the prior" : "Samples from the prior, deviation \(temperature)"
        try pictures.samples(latents, title: title, footer: "\(model.caption), seed \(seed), \(model.path)")
            .write(to: output)
        if json {
            Console.print(
                JSONValue.object([
                    ("output", .string(output)), ("checkpoint", .string(model.path)), ("seed", .string(String(seed))),
                    ("latents", .array(latents.map { .array($0.map { .number(Double($0)) }) })),
                ]).text())
        } else {
            Console.print(output)
        }
    }
}

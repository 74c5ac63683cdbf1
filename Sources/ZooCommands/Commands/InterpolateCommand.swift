import ArgumentParser
import Datasets
import Figures
import LatentTools
import ModelFigures
import ModelKit
import Runs
import TensorCore
import TextSupport

extension LatentPath: ExpressibleByArgument {}

struct InterpolateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interpolate",
        abstract: "Images between two images, through latent space and through pixel space.",
        discussion: """
            Images are given by their number in the data set, as class:NAME, or as files of pictures. Decoded from means:
            the ends are the reconstructions of the two images.

            \(Tool.name) interpolate runs/conv-vae-mnist --between class:5 class:4 --rows 3
            \(Tool.name) interpolate runs/conv-vae-mnist --between me.png you.png --resize --path slerp --output morph.gif
            """)

    @OptionGroup var options: LatentOptions

    @Option(parsing: .upToNextOption, help: ArgumentHelp("The two images.", valueName: "a b"))
    var between: [ImageReference]

    @Option(parsing: .unconditional, help: "Images on the way, both ends included.")
    var steps: Int = 10

    @Option(help: "A straight line, or slerp: directions along the sphere, norms evenly.")
    var path: LatentPath = .linear

    @Option(parsing: .unconditional, help: "Pairs of images, where a class is given.")
    var rows: Int = 1

    @Flag(help: "Crop and resize image files of another size.")
    var resize = false

    func validate() throws {
        guard between.count == 2 else {
            throw ValidationError("--between takes two images, not \(between.count)")
        }
        try requireRange("--steps", steps, 2...200)
        try requireRange("--rows", rows, 1...50)
        guard rows == 1 || between.contains(where: \.isClass) else {
            throw ValidationError("--rows shows other images of a class: give one as class:NAME")
        }
    }

    func run() throws {
        let model = try options.model()
        try model.definition.requireContinuousCodes(for: "interpolation")
        let isVector = model.definition.input.rank == 1
        let files = try options.files(
            model, "interpolation", extensions: isVector ? ["png"] : ["png", "gif"], allowed: ["gif"])
        let drawing = try model.drawing()
        let (ends, source) = try options.chosen(between, for: model, resizing: resize, count: rows)
        let interpolations = try ends.map { ends in
            try drawing.plan.interpolation(from: ends[0], to: ends[1], steps: steps, path: path)
        }
        let words = model.words(
            isVector ? "Interpolation in latent space" : "Interpolation in latent and in pixel space",
            source + ["between means", "path \(path.rawValue)"])
        for file in files {
            if file.lowercased().hasSuffix(".gif") {
                try drawing.requireImages(for: "animation").animation(interpolations, path: path, words: words).write(
                    to: file)
            } else {
                try drawing.interpolations(interpolations, path: path, words: words).write(to: file)
            }
        }
        options.report(
            files, model,
            [
                "path": path.rawValue,
                "rows": interpolations.map { row in
                    [
                        "between": row.names, "t": row.positions, "latents": row.latents,
                        "step_distances": row.stepDistances,
                    ] as JSONValue
                },
            ])
    }
}

import ArgumentParser
import Datasets
import Figures
import ModelFigures
import ModelKit
import NumberFiles
import Planning
import Runs
import TensorCore
import TextSupport

struct ReconstructCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconstruct", abstract: "Images above their reconstructions.",
        discussion: """
            Decoded from the posterior's mean.

            \(Tool.name) reconstruct runs/conv-vae-mnist --indices 3,14,15 --output reconstructions.png
            \(Tool.name) reconstruct runs/conv-vae-mnist --images me.png you.jpg --resize
            \(Tool.name) reconstruct runs/moons --count 500 --output moons.png --output moons.csv
            """)

    @OptionGroup var options: LatentOptions

    @Option(parsing: .unconditional, help: "Images to show, spread evenly over the split.")
    var count: Int = 10

    @Option(help: ArgumentHelp("Images of the data set to show, by number.", valueName: "i,j,…"))
    var indices: String?

    @Option(parsing: .upToNextOption, help: ArgumentHelp("Files of pictures to show.", valueName: "file…"))
    var images: [String] = []

    @Flag(help: "Crop and resize image files of another size.")
    var resize = false

    /// The most images of a picture.
    private static let most = 1000

    func validate() throws {
        try requireRange("--count", count, 1...Self.most)
        if indices != nil, !images.isEmpty { throw ValidationError("give --indices or --images, not both") }
    }

    func run() throws {
        let model = try options.model()
        let files = try options.files(model, "reconstructions", allowed: NumberTable.extensions)
        let drawing = try model.drawing()
        let (chosen, source) = try chosenImages(model)
        let labels = chosen.compactMap(\.label)
        let classes = drawing.plan.imageClass == nil && labels.count == chosen.count ? labels : nil
        let data = try Tensor.concatenated(chosen.map(\.tensor))
        let (figure, errors) = try drawing.reconstructions(
            data, classes: classes, names: chosen.map(\.name),
            words: model.words(
                "\(model.definition.input.rank == 1 ? "Vectors" : "Images") and their reconstructions",
                source + ["decoded from \(model.definition.isVariational ? "means" : "codes")"]))
        for file in files {
            if NumberTable.isTable(file) {
                let decoded = try drawing.plan.decode(
                    drawing.plan.encode(data, classes: classes).mean, classes: classes)
                try NumberTable(
                    arrays: [
                        ("data", try drawing.inUnitsOfData(data)),
                        ("reconstruction", try drawing.inUnitsOfData(decoded)),
                    ]
                ).write(to: file)
            } else {
                try figure.write(to: file)
            }
        }
        options.report(
            files, model,
            ["images": chosen.map(\.name), "indices": chosen.map { JSONValue($0.index) }, "half_squared_error": errors])
    }

    /// The images, and in words where they come from.
    private func chosenImages(_ model: TrainedModel) throws -> (images: [ChosenImage], source: [String]) {
        guard images.isEmpty else { return try chosenImages(images.map { .file($0) }, model) }
        guard let indices else {
            let images = try options.images(for: model)
            let shown = Pictures.spread(images.indices, count: count)
            return (try shown.map { try images.image(Int($0)) }, [images.description])
        }
        let references = try indices.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let index = Int(text.filter { $0 != " " }) else {
                throw ZooError(
                    "--indices \(text): expected numbers of images joined by commas",
                    advice: "for instance --indices 3,14",
                    kind: .usage)
            }
            return ImageReference.index(index)
        }
        guard references.count <= Self.most else {
            throw ZooError(
                "--indices names \(references.count) images; at most \(Self.most) are shown", kind: .usage)
        }
        return try chosenImages(references, model)
    }

    private func chosenImages(
        _ references: [ImageReference], _ model: TrainedModel
    ) throws -> (images: [ChosenImage], source: [String]) {
        let chosen = try options.chosen(references, for: model, resizing: resize)
        return (chosen.images.flatMap(\.self), chosen.source)
    }
}

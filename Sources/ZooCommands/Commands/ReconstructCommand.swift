import ArgumentParser
import Checkpoints
import Datasets
import Figures
import ModelKit
import Planning
import TensorCore
import Training

struct ReconstructCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconstruct", abstract: "Images above their reconstructions.",
        discussion:
            "Decoded from the posterior's mean. zoo reconstruct RUN --indices 3,14,15 --output reconstructions.png")

    @Argument(help: "A checkpoint, or a run's folder.")
    var checkpoint: String

    @OptionGroup var models: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(parsing: .unconditional, help: "Test images to show, spread evenly over the split.")
    var count: Int = 10

    @Option(help: ArgumentHelp("Images of the data set to show, by number.", valueName: "i,j,…"))
    var indices: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("The picture: .png, .svg or .pdf.", valueName: "file"))
    var output: String

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func validate() throws {
        guard (1...1000).contains(count) else { throw ValidationError("--count must lie in 1…1000, is \(count)") }
    }

    func run() throws {
        let model = try TrainedModel(checkpoint, registry: try models.registry())
        let pictures = try Pictures(try model.inference())
        let dataset = try data.open(
            fallback: model.checkpoint.dataset ?? model.definition.dataset, shape: model.definition.input.dimensions)
        guard dataset.info.shape == model.definition.input.dimensions else {
            throw ZooError(
                "the images of \(dataset.info.name) are \(dataset.info.shape), but the model takes \(model.definition.input)",
                kind: .usage)
        }
        let chosen = try chosenImages(dataset)
        let (grid, errors) = try pictures.reconstructions(
            dataset.images(chosen), names: chosen.map { "\($0)" }, title: "Images and their reconstructions",
            footer: "\(model.caption), decoded from the posterior's mean, \(model.path)")
        try grid.write(to: output)
        if json {
            Console.print(
                JSONValue.object([
                    ("output", .string(output)), ("checkpoint", .string(model.path)),
                    ("indices", .array(chosen.map { .integer(Int($0)) })),
                    ("half_squared_error", .array(errors.map { .number($0) })),
                ]).text())
        } else {
            Console.print(output)
        }
    }

    private func chosenImages(_ dataset: any Dataset) throws -> [Int32] {
        guard let indices else {
            let test = dataset.indices(of: .test)
            return Pictures.spread(test.isEmpty ? dataset.indices(of: .train) : test, count: count)
        }
        return try indices.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let index = Int32(text.filter { $0 != " " }), index >= 0, Int(index) < dataset.count else {
                throw ZooError(
                    "--indices \(text): expected numbers of images, 0…\(dataset.count - 1), joined by commas",
                    kind: .usage)
            }
            return index
        }
    }
}

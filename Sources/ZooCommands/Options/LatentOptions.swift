import ArgumentParser
import Datasets
import Figures
import ModelKit
import Planning
import Runs
import TensorCore
import TextSupport

extension Split: ExpressibleByArgument {}

/// What every command that looks into a latent space takes.
struct LatentOptions: ParsableArguments {
    @Argument(help: "A checkpoint, or a run's folder.", completion: .trained)
    var checkpoint: String

    @OptionGroup var models: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(help: "Where images of the data set are chosen from.")
    var split: Split = .test

    @Option(help: "Seed of everything random.")
    var seed: UInt64 = 0

    @Option(parsing: .unconditional, help: "Threads that compute (default: all cores).")
    var threads: Int?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file to write, its format by the extension; may be given several times (default: in this folder, named "
                + "after the model).", valueName: "file"), completion: .figure)
    var output: [String] = []

    @Flag(help: "One JSON object on standard output: the numbers behind the picture.")
    var json = false

    /// The trained model.
    func model() throws -> TrainedModel {
        try Computing.use(threads: threads)
        return try TrainedModel(argument: checkpoint, registry: try models.registry())
    }

    /// The model's images.
    /// - Throws: `ZooError` where there is no data set or its images do not fit the model.
    func images(for model: TrainedModel) throws -> SplitImages {
        try model.images(of: try data.open(for: model), split: split)
    }

    /// Images that references name: `count` lists of them, each with the next image of a class. The data set is opened only if
    /// a reference needs it.
    ///
    /// - Returns: the images, and for figures where they come from and, if it matters, the seed.
    /// - Throws: `ZooError` for images that there are not, or that do not fit the model.
    func chosen(
        _ references: [ImageReference], for model: TrainedModel, resizing: Bool, count: Int = 1
    ) throws -> (images: [[ChosenImage]], source: [String]) {
        let images = references.contains(where: \.needsDataset) ? try images(for: model) : nil
        let chosen = try (0..<count).map { number in
            try references.map { reference in
                switch reference {
                case .file(let path):
                    try ChosenImage(file: path, shape: model.definition.input, resizing: resizing)
                case .index, .label:
                    try (images ?? self.images(for: model)).image(reference, number: number, seed: seed)
                }
            }
        }
        let isDrawn = references.contains(where: \.isClass)
        let dataset = images.map { isDrawn ? $0.description : $0.dataset.info.name }
        let files = references.allSatisfy(\.needsDataset) ? nil : "image files"
        return (chosen, [dataset, files, isDrawn ? "seed \(seed)" : nil].compactMap(\.self))
    }

    /// The files to write: those asked for, or `MODEL-kind.EXTENSION` for each of `extensions`.
    ///
    /// - Parameter allowed: what the command can write besides figures (`gif`, `csv` …).
    /// - Throws: `ZooError` of kind `usage` for another extension.
    func files(
        _ model: TrainedModel, _ kind: String, extensions: [String] = ["png"], allowed: [String] = []
    ) throws -> [String] {
        for path in output where !allowed.contains(where: { path.lowercased().hasSuffix("." + $0) }) {
            do {
                _ = try FigureFormat(path: path)
            } catch let error as ZooError where !allowed.isEmpty {
                let all = FigureFormat.allCases.map(\.rawValue) + allowed
                throw ZooError(
                    error.message, advice: "use one of \(all.map { "." + $0 }.joined(separator: ", "))", kind: .usage)
            }
        }
        return output.isEmpty ? extensions.map { "\(model.definition.name)-\(kind).\($0)" } : output
    }

    /// Prints what was done: the files, or with --json the numbers.
    func report(_ files: [String], _ model: TrainedModel, _ fields: [(String, JSONValue)]) {
        guard json else { return files.forEach(Console.print) }
        let head: [(String, JSONValue)] = [
            ("output", .array(files.map { .string($0) })), ("model", .string(model.definition.name)),
            ("checkpoint", .string(model.path)), ("seed", .string(String(seed))),
        ]
        Console.print(JSONValue.object(head + fields).text())
    }
}

import ArgumentParser
import Datasets
import Figures
import ModelFigures
import ModelKit
import Planning
import Runs
import TensorCore
import TextSupport

extension Split: ExpressibleByArgument {}

/// What every command takes that looks into a latent space with images of a data set.
struct LatentOptions: ParsableArguments {
    @OptionGroup var data: DataOptions

    @Option(help: "Where images of the data set are chosen from.")
    var split: Split = .test

    @OptionGroup var drawing: DrawingOptions

    var seed: UInt64 { drawing.seed }
    var json: Bool { drawing.json }

    /// The trained model.
    func model() throws -> TrainedModel { try drawing.model() }

    /// The model's images.
    /// - Throws: `ZooError` where there is no data set or its images do not fit the model.
    func images(for model: TrainedModel) throws -> SplitImages {
        try model.images(of: try data.open(for: model), split: split)
    }

    /// Vectors of the split to be drawn below what a model of vectors makes; nil for images, and where the data are not at hand
    /// and nobody has asked for them.
    ///
    /// - Parameter images: the split, where it is open already.
    func background(_ model: TrainedModel, _ drawing: ModelDrawing, _ images: SplitImages?) throws -> Tensor? {
        guard case .vectors = drawing else { return nil }
        do {
            let images = try images ?? self.images(for: model)
            return try images.dataset.tensor(Pictures.spread(images.indices, count: 2000))
        } catch let error as ZooError where !data.isGiven {
            Console.warn(lines: "without the data: \(error.description(advice: nil))")
            return nil
        }
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
                    try ChosenImage(
                        file: path, shape: model.definition.input, resizing: resizing, preparation: model.preparation)
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

    /// The files to write; see `DrawingOptions.files`.
    func files(
        _ model: TrainedModel, _ kind: String, extensions: [String] = ["png"], allowed: [String] = []
    ) throws -> [String] {
        try drawing.files(model, kind, extensions: extensions, allowed: allowed)
    }

    /// Prints what was done: the files, or with --json the numbers.
    func report(_ files: [String], _ model: TrainedModel, _ fields: JSONValue) {
        drawing.report(files, model, fields)
    }
}

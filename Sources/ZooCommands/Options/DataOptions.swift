import ArgumentParser
import Checkpoints
import Datasets
import ModelKit
import Runs
import TensorCore

/// Where data comes from.
struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Where to look for data sets first; then $ZOO_DATA and the cache.", valueName: "dir"),
        completion: .directory)
    var dataDir: String?

    @Option(help: ArgumentHelp("The data set, if not the model's own.", valueName: "name"), completion: .dataset)
    var dataset: String?

    @Option(
        help: ArgumentHelp("The folder of pictures, for --dataset image-folder.", valueName: "dir"),
        completion: .directory)
    var imageFolder: String?

    /// Whether the user named a data set.
    var isGiven: Bool { dataset != nil || imageFolder != nil }

    /// A data set that is named is known, even where a command turns out to need none.
    func validate() throws {
        guard let dataset else { return }
        do {
            _ = try ZooContext.current.datasets.descriptor(dataset)
        } catch let error as ZooError {
            throw ValidationError(error.commandLineDescription)
        }
    }

    /// Opens the data set for a trained model: the one asked for, or the one it was trained on.
    ///
    /// - Throws: `ZooError` where there is none, or its images are not of the model's shape.
    func open(for model: TrainedModel) throws -> any Dataset {
        let dataset = try choice(for: model.definition, trainedOn: model.dataset).open()
        try model.requireFitting(dataset)
        return dataset
    }

    /// The data set for a model: the one asked for, the one it was trained on, or its own.
    ///
    /// - Throws: `ZooError` (wrong usage) where none is named or there is none of that name.
    func choice(for definition: ModelDefinition, trainedOn dataset: String? = nil) throws -> DatasetChoice {
        let shape = definition.input.dimensions
        guard let name = self.dataset ?? (imageFolder == nil ? dataset ?? definition.dataset : "image-folder") else {
            throw Self.namesNone(definition)
        }
        var options = DatasetOptions(dataDirectory: dataDir, imageFolder: imageFolder)
        if name == "image-folder", shape.count == 3 {
            options.preparation = ImagePreparation(width: shape[2], height: shape[1], channels: shape[0])
        }
        let catalog = ZooContext.current.datasets
        // `color-sprites` has two sizes; the model's input says which.
        let sized = "\(name)-\(shape.last ?? 0)"
        if let info = try? catalog.descriptor(name).info, info.shape != shape, catalog.names.contains(sized) {
            return DatasetChoice(descriptor: try catalog.descriptor(sized), options: options)
        }
        return DatasetChoice(descriptor: try catalog.descriptor(name), options: options)
    }

    /// The error for a model without a data set.
    private static func namesNone(_ definition: ModelDefinition) -> ZooError {
        let shape = definition.input.dimensions
        let fitting = ZooContext.current.datasets.descriptors.filter { $0.info.shape == shape }.map(\.name)
        let name = definition.name
        if !fitting.isEmpty || shape.count == 3 {
            let known = fitting.isEmpty ? "" : "; \(fitting.joined(separator: ", ")) have its shape"
            return ZooError(
                "\(name) names no data set",
                advice: "choose one with --dataset, or your own pictures with --image-folder\(known)", kind: .usage)
        }
        return ZooError(
            "\(name) names no data set, and no data set has its shape \(definition.input)",
            advice: "follow it by hand with `\(Tool.name) trace \(name)`, or give it data with a plug-in", kind: .usage)
    }
}

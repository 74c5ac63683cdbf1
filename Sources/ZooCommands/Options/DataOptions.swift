import ArgumentParser
import Checkpoints
import Datasets
import ModelKit
import TensorCore

/// Where data comes from.
struct DataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where to look for data sets first; then $ZOO_DATA and the cache.", valueName: "dir"))
    var dataDir: String?

    @Option(help: ArgumentHelp("The data set, if not the model's own.", valueName: "name"))
    var dataset: String?

    @Option(help: ArgumentHelp("The folder of pictures, for --dataset image-folder.", valueName: "dir"))
    var imageFolder: String?

    /// Whether the user named a data set.
    var isGiven: Bool { dataset != nil || imageFolder != nil }

    /// Opens the data set for a trained model: the one asked for, or the one it was trained on.
    ///
    /// - Throws: `ZooError` where there is none, or its images are not of the model's shape.
    func open(for model: TrainedModel) throws -> any Dataset {
        let shape = model.definition.input
        let dataset = try open(fallback: model.dataset, shape: shape.dimensions)
        guard dataset.info.shape == shape.dimensions else {
            throw ZooError(
                "the images of \(dataset.info.name) are \(dataset.info.shape), but the model takes \(shape)",
                kind: .usage)
        }
        return dataset
    }

    /// Opens a data set: the one asked for, or `fallback`. Warns of what was left out of it.
    ///
    /// - Parameter downloads: whether to fetch a data set that is nowhere, unless the user has said where it is.
    func open(fallback: String?, shape: [Int], downloads: Bool = false) throws -> any Dataset {
        let dataset = try opened(fallback: fallback, shape: shape, downloads: downloads)
        for note in dataset.notes { Console.warn(note) }
        return dataset
    }

    private func opened(fallback: String?, shape: [Int], downloads: Bool) throws -> any Dataset {
        guard let name = dataset ?? (imageFolder == nil ? fallback : "image-folder") else {
            throw ZooError(
                "the model names no data set", advice: "choose one with --dataset; `zoo data list` shows them",
                kind: .usage)
        }
        var options = DatasetOptions(dataDirectory: dataDir, imageFolder: imageFolder)
        if name == "image-folder", shape.count == 3 {
            options.preparation = ImagePreparation(width: shape[2], height: shape[1], channels: shape[0])
        }
        let catalog = ZooContext.current.datasets
        // `color-sprites` has two sizes; the model's input says which.
        let sized = "\(name)-\(shape.last ?? 0)"
        if let info = try? catalog.descriptor(name).info, info.shape != shape, catalog.names.contains(sized) {
            return try catalog.open(sized, options)
        }
        if downloads, dataDir == nil { try DatasetFetch.fetchIfMissing(name, options) }
        return try catalog.open(name, options)
    }
}

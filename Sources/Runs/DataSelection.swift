import Datasets
import ModelKit
import TensorCore

/// What somebody says of the data that a model is to work on; without, it is the data it was trained on, or its own.
public struct DataSelection: Sendable {
    /// The data set's name; nil for that of the folder or file, or else the model's.
    public var name: String?
    /// The first place to look for data; nil for the usual places.
    public var dataDirectory: String?
    /// The folder of pictures, of the data set `image-folder`.
    public var imageFolder: String?
    /// The file of numbers, of the data set `array`.
    public var array: ArrayFile?
    /// How pictures of another aspect are fitted; nil for as in training, or their middle.
    public var fit: ImagePreparation.Fit?
    /// How numbers are scaled; nil for the constants of the model, or the data set's own way.
    public var scaling: ValueScaling.Method?
    /// Whether pictures that cannot be decoded are left out.
    public var skipsDamaged = false

    public init(name: String? = nil, dataDirectory: String? = nil) {
        self.name = name
        self.dataDirectory = dataDirectory
    }

    /// Whether a data set is named.
    public var isGiven: Bool { name != nil || imageFolder != nil || array != nil }

    /// The data set for a model: the one asked for, the one it was trained on, or its own.
    ///
    /// - Parameter data: what is known of the data that the model was trained on; nil for a model that is to be trained.
    /// - Throws: `ZooError` (wrong usage) where none is named, there is none of that name, or something else is said than belongs
    ///   to it.
    public func choice(
        for definition: ModelDefinition, trainedOn data: TrainingData? = nil, in catalog: DatasetCatalog
    ) throws -> DatasetChoice {
        let shape = definition.input.dimensions
        let given = array == nil ? imageFolder.map { _ in "image-folder" } : "array"
        guard let name = name ?? given ?? data?.name ?? definition.dataset else {
            throw Self.namesNone(definition, catalog)
        }
        if scaling != nil, data?.scaling != nil {
            throw ZooError(
                "the scaling belongs to the model, which was trained with constants that it keeps", kind: .usage,
                code: .mismatch, remedy: .leaveOut(.scaling))
        }
        var options = DatasetOptions(
            dataDirectory: dataDirectory, imageFolder: imageFolder, array: array, shape: shape,
            scaling: data?.scaling.map { .constants($0) } ?? scaling.map { .method($0) })
        options.skipsDamaged = skipsDamaged
        let isFolder = ["image-folder", "celeba"].contains(name)
        if !isFolder, fit != nil || skipsDamaged {
            throw ZooError(
                "\(fit == nil ? "leaving out damaged pictures" : "fitting pictures") belongs to the data sets image-folder "
                    + "and celeba, and the data are \(name)", kind: .usage, code: .mismatch,
                remedy: fit == nil ? .leaveOut(.skipsDamaged) : .leaveOut(.fit))
        }
        if isFolder, shape.count == 3 {
            // As in training, unless something else is asked for.
            let trained = data?.preparation.flatMap { ImagePreparation($0, shape: definition.input) }
            let plain = ImagePreparation(
                crop: name == "celeba" ? (148, 148) : nil, width: shape[2], height: shape[1], channels: shape[0])
            options.preparation = trained ?? plain
            if let fit { options.preparation?.fit = fit }
        }
        // `color-sprites` has two sizes; the model's input says which.
        let sized = "\(name)-\(shape.last ?? 0)"
        let isOfOtherSize = try? catalog.descriptor(name).info.shape != shape
        let found = isOfOtherSize == true && catalog.names.contains(sized) ? sized : name
        return DatasetChoice(try catalog.descriptor(found), options: options)
    }

    /// The error for a model without a data set.
    private static func namesNone(_ definition: ModelDefinition, _ catalog: DatasetCatalog) -> ZooError {
        let shape = definition.input.dimensions
        let fitting = catalog.descriptors.filter { $0.info.shape == shape }.map(\.name)
        if !fitting.isEmpty || shape.count == 3 {
            return ZooError(
                "\(definition.name) names no data set", kind: .usage, code: .notFound, subject: .field("dataset"),
                remedy: .chooseDataset(fitting: fitting))
        }
        return ZooError(
            "\(definition.name) names no data set, and no data set has its shape \(definition.input)", kind: .usage,
            code: .notFound, subject: .field("dataset"), remedy: .traceOrGiveArray(model: definition.name))
    }
}

extension TrainedModel {
    /// The data set that was selected, or the one it was trained on.
    ///
    /// - Throws: `ZooError` where there is none, it is missing or damaged, or its images are not of the model's shape.
    public func openDataset(
        _ selection: DataSelection = DataSelection(), in catalog: DatasetCatalog = .builtIn
    ) throws -> any Dataset {
        let dataset = try selection.choice(for: definition, trainedOn: trainingData, in: catalog).open()
        try requireFitting(dataset)
        return dataset
    }
}

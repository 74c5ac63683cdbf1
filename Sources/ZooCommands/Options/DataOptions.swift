import ArgumentParser
import Checkpoints
import Datasets
import ModelKit
import Runs
import TensorCore

extension ValueScaling.Method: ExpressibleByArgument {}
extension ImagePreparation.Fit: ExpressibleByArgument {}

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

    @Option(
        help:
            "How pictures of another aspect are fitted: crop (their middle; the default), pad (black around) or stretch."
    )
    var fit: ImagePreparation.Fit?

    @Flag(help: "Leave out pictures that cannot be decoded, and say how many.")
    var skipDamaged = false

    @OptionGroup var arrayOptions: ArrayOptions

    /// The file of numbers.
    var array: String? { arrayOptions.array }

    @Option(
        help:
            "How numbers are scaled: as-is, unit (0…1) or standard (mean 0, deviation 1; the default for vectors). Kept in the checkpoint."
    )
    var scaling: ValueScaling.Method?

    /// Whether the user named a data set.
    var isGiven: Bool { dataset != nil || imageFolder != nil || array != nil }

    /// The options as they were given, for a command line of the same data.
    ///
    /// - Parameter isTrained: whether the scaling is that of a model already.
    func arguments(isTrained: Bool) -> [String] {
        let first: [(String, String?)] = [
            ("--data-dir", dataDir), ("--dataset", dataset), ("--image-folder", imageFolder), ("--fit", fit?.rawValue),
        ]
        let given = first + arrayOptions.arguments + [("--scaling", isTrained ? nil : scaling?.rawValue)]
        return given.flatMap { name, value in value.map { [name, $0] } ?? [] }
            + (skipDamaged ? ["--skip-damaged"] : [])
    }

    /// A data set that is named is known, even where a command turns out to need none.
    func validate() throws {
        if array != nil, imageFolder != nil { throw ValidationError("give --array or --image-folder, not both") }
        guard let dataset else { return }
        try Self.requireBelonging(to: dataset, imageFolder: imageFolder, array: array)
        do {
            _ = try ZooContext.current.datasets.descriptor(dataset)
        } catch let error as ZooError {
            throw ValidationError(error.commandLineDescription)
        }
    }

    /// - Throws: `ValidationError` for the folder or file of another data set than the one that is named.
    static func requireBelonging(to dataset: String, imageFolder: String?, array: String?) throws {
        for (option, value, owner) in [("--image-folder", imageFolder, "image-folder"), ("--array", array, "array")]
        where value != nil && dataset != owner {
            throw ValidationError(
                "\(option) belongs to the data set \(owner), and \(dataset) is asked for: leave one of them out")
        }
    }

    /// Opens the data set for a trained model: the one asked for, or the one it was trained on.
    ///
    /// - Throws: `ZooError` where there is none, or its images are not of the model's shape.
    func open(for model: TrainedModel) throws -> any Dataset {
        let dataset = try choice(for: model.definition, trainedOn: model.trainingData).open()
        try model.requireFitting(dataset)
        return dataset
    }

    /// The data set for a model: the one asked for, the one it was trained on, or its own.
    ///
    /// - Throws: `ZooError` (wrong usage) where none is named or there is none of that name.
    func choice(for definition: ModelDefinition, trainedOn data: TrainingData? = nil) throws -> DatasetChoice {
        let shape = definition.input.dimensions
        let given = array == nil ? imageFolder.map { _ in "image-folder" } : "array"
        guard let name = dataset ?? given ?? data?.name ?? definition.dataset else {
            throw Self.namesNone(definition)
        }
        if scaling != nil, data?.scaling != nil {
            throw ZooError(
                "--scaling: the scaling belongs to the model, which was trained with constants that it keeps",
                advice: "leave it out", kind: .usage)
        }
        var options = DatasetOptions(
            dataDirectory: dataDir, imageFolder: imageFolder,
            array: arrayOptions.file, shape: shape,
            scaling: data?.scaling.map { .constants($0) } ?? scaling.map { .method($0) })
        options.skipsDamaged = skipDamaged
        let isFolder = ["image-folder", "celeba"].contains(name)
        if !isFolder, fit != nil || skipDamaged {
            throw ZooError(
                "\(fit == nil ? "--skip-damaged" : "--fit") belongs to the data sets image-folder and celeba, and the data are "
                    + "\(name)", advice: "leave it out", kind: .usage)
        }
        if isFolder, shape.count == 3 {
            // As in training, unless something else is asked for.
            let trained = data?.preparation.flatMap { ImagePreparation($0, shape: definition.input) }
            let plain = ImagePreparation(
                crop: name == "celeba" ? (148, 148) : nil, width: shape[2], height: shape[1], channels: shape[0])
            options.preparation = trained ?? plain
            if let fit { options.preparation?.fit = fit }
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
                advice: "choose one with --dataset, or your own data with --image-folder or --array\(known)",
                kind: .usage)
        }
        return ZooError(
            "\(name) names no data set, and no data set has its shape \(definition.input)",
            advice: "follow it by hand with `\(Tool.name) trace \(name)`, or give it your own data with --array",
            kind: .usage)
    }
}

import ArgumentParser
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

    /// What was said of the data.
    var selection: DataSelection {
        var selection = DataSelection(name: dataset, dataDirectory: dataDir)
        selection.imageFolder = imageFolder
        selection.array = arrayOptions.file
        selection.fit = fit
        selection.scaling = scaling
        selection.skipsDamaged = skipDamaged
        return selection
    }

    /// The data set for a model: the one asked for, the one it was trained on, or its own.
    ///
    /// - Throws: as `DataSelection.choice`.
    func choice(for definition: ModelDefinition, trainedOn data: TrainingData? = nil) throws -> DatasetChoice {
        try selection.choice(for: definition, trainedOn: data, in: ZooContext.current.datasets)
    }

    /// Opens the data set for a trained model: the one asked for, or the one it was trained on.
    ///
    /// - Throws: `ZooError` where there is none, or its images are not of the model's shape.
    func open(for model: TrainedModel) throws -> any Dataset {
        let dataset = try choice(for: model.definition, trainedOn: model.trainingData).openWithProgress()
        try model.requireFitting(dataset)
        return dataset
    }
}

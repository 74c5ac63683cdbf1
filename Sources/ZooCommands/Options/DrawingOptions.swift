import ArgumentParser
import Figures
import ModelKit
import Planning
import Runs
import TensorCore
import TextSupport

/// What every command takes that draws what a trained model makes.
struct DrawingOptions: ParsableArguments {
    @Argument(help: "A checkpoint, or a run's folder.", completion: .trained)
    var checkpoint: String

    @OptionGroup var models: ModelOptions

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

    @Option(
        name: .customLong("class"),
        help: ArgumentHelp("Of a conditional model, the class of every image, from 0.", valueName: "n"))
    var imageClass: Int?

    @Flag(help: "One JSON object on standard output: the numbers behind the picture.")
    var json = false

    /// The trained model.
    func model() throws -> TrainedModel {
        try Computing.use(threads: threads)
        var model = try TrainedModel(argument: checkpoint, registry: try models.registry())
        if let imageClass, model.definition.classCount == nil {
            throw ZooError(
                "--class \(imageClass): \(model.definition.name) is not conditional, it has no classes", kind: .usage)
        }
        model.imageClass = imageClass
        return model
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
    func report(_ files: [String], _ model: TrainedModel, _ fields: JSONValue) {
        guard json else {
            for file in files { Console.print(file) }
            return
        }
        let head: JSONValue = [
            "output": files, "model": model.definition.name, "checkpoint": model.path, "seed": String(seed),
        ]
        Console.print((head + fields).text())
    }
}

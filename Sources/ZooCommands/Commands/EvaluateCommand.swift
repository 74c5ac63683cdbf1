import ArgumentParser
import Checkpoints
import Datasets
import Figures
import LatentTools
import ModelKit
import Planning
import Runs
import TensorCore
import TextSupport
import Training
import WeightFiles

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Losses of a trained model over a data set.",
        discussion: """
            Means over images in nats per image, each image counted once, layers in evaluation mode. The last line is the \
            summary of the latent statistics that the checkpoint itself holds; \(Tool.convert) latent computes them anew.
            """)

    @Argument(help: "A checkpoint, or a run's folder.", completion: .trained)
    var checkpoint: String

    @OptionGroup var models: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(help: "The images: train, validation or test.")
    var split: String = "test"

    @Option(help: "Seed of the noise (default: the run's).")
    var seed: UInt64?

    @Option(parsing: .unconditional, help: "Threads that compute (default: all cores).")
    var threads: Int?

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        try Computing.use(threads: threads)
        guard let split = Split(rawValue: split) else {
            throw ZooError("--split \(split): there are train, validation and test", kind: .usage)
        }
        let model = try TrainedModel(argument: checkpoint, registry: try models.registry())
        let dataset = try data.open(for: model)
        let result = try model.evaluate(on: dataset, split: split, seed: seed)
        let means = result.losses
        if json {
            Console.print(
                JSONValue.object(
                    [
                        ("model", .string(model.definition.name)), ("checkpoint", .string(model.path)),
                        ("dataset", .string(dataset.info.name)), ("split", .string(split.rawValue)),
                        ("images", .integer(result.imageCount)),
                        ("objective", .string(model.definition.objective.formula)),
                        ("loss", .number(means.loss)),
                    ] + means.metrics.values.map { ($0.name, .number($0.value)) } + [
                        ("active_units", JSONValue(result.activeUnits)),
                        ("weights", .string(model.checkpoint.keepsAverage ? "average" : "last")),
                        ("stored_latent", model.checkpoint.latentStatistics?.json(matrices: false) ?? .null),
                    ]
                ).text())
            return
        }
        Console.print(
            "\(model.definition.name) on \(Formatting.grouped(result.imageCount)) \(split.rawValue) images of \(dataset.info.name)"
        )
        var rows = [
            ("objective", "\(model.definition.objective.formula), nats per image"),
            ("loss", Formatting.decimals(means.loss, 3)),
        ]
        rows += means.metrics.values.map { (MeanLosses.words($0.name), Formatting.decimals($0.value, 3)) }
        if model.checkpoint.keepsAverage { rows.append(("weights", "moving average of the parameters")) }
        if let active = result.activeUnits {
            rows.append(("active units", "\(active) of \(model.definition.latentSize)"))
        }
        let stored = model.checkpoint.latentStatistics.map { LatentText($0).line }
        rows.append(("stored latent", stored ?? "none (\(Tool.convert) latent --store)"))
        let width = rows.map(\.0.count).max() ?? 0
        for (name, value) in rows {
            let padding = String(repeating: " ", count: width - name.count + 2)
            Console.print("  \(name)\(padding)\(value.printable())")
        }
    }
}

import ArgumentParser
import Checkpoints
import Datasets
import Figures
import LatentTools
import ModelKit
import Planning
import TensorCore
import Training

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
        let model = try TrainedModel(checkpoint, registry: try models.registry())
        let dataset = try data.open(for: model)
        let runSeed = model.checkpoint.progress?.seed ?? 0
        let splits = try DataSplits(
            of: dataset, validationCount: model.definition.training.validationCount,
            seed: runSeed)
        guard !splits[split].isEmpty else {
            throw ZooError("\(dataset.info.name) has no \(split.rawValue) images", kind: .usage)
        }
        let plan = try EvaluationPlan(model.definition, batchSize: 500, engine: CPUEngine())
        try plan.load(model.checkpoint.weights)
        let sums = try Evaluator(plan, dataset: dataset).sums(over: splits[split], seed: seed ?? runSeed)
        // The weights of the last step that was made, as in the metrics of the run.
        let step = model.checkpoint.progress.map { max(0, $0.step - 1) } ?? .max
        let means = sums.means(model.definition.objective, step: step)
        let active = sums.activeDimensions.filter { $0 }.count
        if json {
            Console.print(
                JSONValue.object([
                    ("model", .string(model.definition.name)), ("checkpoint", .string(model.path)),
                    ("dataset", .string(dataset.info.name)), ("split", .string(split.rawValue)),
                    ("images", .integer(sums.imageCount)), ("objective", .string(model.definition.objective.formula)),
                    ("loss", .number(means.loss)), ("reconstruction", .number(means.reconstruction)),
                    ("kl", .number(means.kl)),
                    ("active_units", model.definition.isVariational ? .integer(active) : .null),
                    ("stored_latent", model.checkpoint.latentStatistics?.json(matrices: false) ?? .null),
                ]).text())
            return
        }
        Console.print(
            "\(model.definition.name) on \(Formatting.grouped(sums.imageCount)) \(split.rawValue) images of \(dataset.info.name)"
        )
        Console.print("  objective       \(model.definition.objective.formula), nats per image")
        Console.print("  loss            \(Formatting.decimals(means.loss, 3))")
        Console.print("  reconstruction  \(Formatting.decimals(means.reconstruction, 3))")
        if model.definition.isVariational {
            Console.print("  KL              \(Formatting.decimals(means.kl, 3))")
            Console.print("  active units    \(active) of \(model.definition.latentSize)")
        }
        let stored = model.checkpoint.latentStatistics.map { LatentText($0).line }
        Console.print("  stored latent   \((stored ?? "none (\(Tool.convert) latent --store)").printable())")
    }
}

import ArgumentParser
import Checkpoints
import Datasets
import Figures
import LatentTools
import Metrics
import ModelKit
import ModelMetrics
import Planning
import Runs
import TensorCore
import TextSupport
import Training
import WeightFiles

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Losses and metrics of a trained model over a data set.",
        discussion: """
            Means over images in nats per image, each image counted once, layers in evaluation mode. The last line is the \
            summary of the latent statistics that the checkpoint itself holds; \(Tool.convert) latent computes them anew.

            With --metrics, what else people publish: likelihood, reconstruction, generation, representation, disentanglement. They \
            are kept in evaluation.json beside the run or checkpoint, where compare and inspect find them.

            \(Tool.name) evaluate runs/beta-vae-sprites --metrics disentanglement --repetitions 3
            \(Tool.name) evaluate runs/mlp-vae-mnist --likelihood 5000
            \(Tool.name) evaluate runs/conv-vae-mnist --metrics generation --features runs/autoencoder-mnist
            """)

    @Argument(help: "A checkpoint, or a run's folder.", completion: .trained)
    var checkpoint: String?

    func validate() throws {
        guard checkpoint != nil || listMetrics else {
            throw ValidationError("a checkpoint or a run's folder is missing")
        }
        guard figures == nil || metrics.isGiven else {
            throw ValidationError("--figures needs --metrics, for instance --metrics all")
        }
    }

    @OptionGroup var models: ModelOptions
    @OptionGroup var data: DataOptions

    @OptionGroup var metrics: MetricOptions

    @Option(
        help: ArgumentHelp("A folder for a heat map of each metric that has a table.", valueName: "dir"),
        completion: .directory)
    var figures: String?

    @Flag(help: "Do not keep the metrics beside the checkpoint.")
    var noStore = false

    @Option(help: "The images: train, validation or test.")
    var split: Split = .test

    @Option(help: "Seed of the noise (default: the run's) and of what metrics draw (default: 0).")
    var seed: UInt64?

    @Option(parsing: .unconditional, help: "Threads that compute (default: all cores).")
    var threads: Int?

    @Flag(help: "List the metrics with their parameters and end.")
    var listMetrics = false

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        guard let checkpoint, !listMetrics else {
            for line in MetricText.catalogue { Console.print(line) }
            return
        }
        try Computing.use(threads: threads)
        let choices = metrics.isGiven ? try metrics.choices() : []
        let model = try TrainedModel(argument: checkpoint, registry: try models.registry())
        let dataset = try data.open(for: model)
        let result = try model.evaluate(on: dataset, split: split, seed: seed)
        let means = result.losses
        let computed = choices.isEmpty ? nil : try evaluate(model, dataset, choices)
        if json {
            let head: JSONValue = [
                "model": model.definition.name, "checkpoint": model.path, "dataset": dataset.info.name,
                "split": split.rawValue, "images": result.imageCount, "objective": model.definition.objective.formula,
                "loss": means.loss,
            ]
            let rest: JSONValue = [
                "active_units": result.activeUnits, "weights": model.checkpoint.keepsAverage ? "average" : "last",
                "stored_latent": model.checkpoint.latentStatistics?.json(matrices: false),
                "evaluation": computed?.entry.json,
                "not_computed": (computed?.left ?? []).map {
                    ["metric": $0.metric, "reason": $0.reason] as JSONValue
                },
            ]
            let losses = JSONValue.object(means.metrics.values.map { ($0.name, .number($0.value)) })
            Console.print((head + losses + rest).text())
            return
        }
        Console.print(
            "\(model.definition.name) on \(Formatting.grouped(result.imageCount)) \(split.rawValue) images of \(dataset.info.name)"
        )
        var fields = Fields()
        fields.add("objective", "\(model.definition.objective.formula), nats per image")
        fields.add("loss", Formatting.decimals(means.loss, 3))
        for metric in means.metrics.values {
            fields.add(MeanLosses.words(metric.name), Formatting.decimals(metric.value, 3))
        }
        if model.checkpoint.keepsAverage { fields.add("weights", "moving average of the parameters") }
        if let active = result.activeUnits {
            fields.add("active units", "\(active) of \(model.definition.latentSize)")
        }
        let stored = model.checkpoint.latentStatistics.map { LatentText($0).line }
        fields.add("stored latent", stored ?? "none (\(Tool.convert) latent --store)")
        fields.print()
        guard let computed else { return }
        Console.print("")
        for line in MetricText.lines(computed.entry.reports, left: computed.left) { Console.print(line) }
        if let file = computed.file { Console.print("kept in \(file)") }
    }

    /// Computes metrics, keeps them and draws their tables.
    private func evaluate(
        _ model: TrainedModel, _ dataset: any Dataset, _ choices: [ModelEvaluation.Choice]
    ) throws -> ModelEvaluation.Kept {
        let subject = try metrics.subject(
            model, dataset, split: split, seed: seed ?? 0, registry: try models.registry())
        let progress = ShareProgressView(isQuiet: json)
        defer { progress.clearLine() }
        let kept = try ModelEvaluation(choices, repetitions: metrics.repetitions).keep(
            subject, region: metrics.from, isStored: !noStore
        ) { progress.show($0, $1) }
        if let figures { try draw(kept.entry.reports, model, into: figures) }
        return kept
    }

    private func draw(_ reports: [MetricReport], _ model: TrainedModel, into folder: String) throws {
        try RunFolder.makeDirectory(folder)
        for report in reports {
            guard let table = report.table else { continue }
            try HeatmapFigure(
                table, title: "\(report.metric) of \(model.definition.name): \(table.title)",
                subtitle: model.provenance.joined(separator: " · ")
            ).write(to: "\(folder)/\(report.metric).png")
        }
    }
}

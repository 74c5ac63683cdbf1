import ArgumentParser
import Checkpoints
import ModelKit
import Runs
import TensorCore
import TextSupport

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a model: layers, parameters, arithmetic, objective, training settings, references.",
        discussion: """
            Multiply-adds are those of linear layers and convolutions for one image; one multiply-add is two operations.

              \(Tool.name) show conv-vae-mnist
              \(Tool.name) show conv-vae-mnist --set latent.size=2 --json
              \(Tool.name) show my-vae.yaml
              \(Tool.name) show runs/conv-vae-mnist-20261120-231501
            """)

    @Argument(
        help: "A model's name (see `\(Tool.name) list`), a definition file, a checkpoint or a run's folder.",
        completion: .anyModel)
    var model: String

    @OptionGroup var models: ModelOptions

    @OptionGroup var changes: OverrideOptions

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        let registry = try models.registry()
        let model = try NamedModel(argument: model, overrides: try changes.overrides(), registry: registry)
        let cost = try ModelCost(model.definition)
        if json {
            Console.print(Self.json(model.definition, cost, model.trained))
        } else {
            Self.print(model.definition, cost, model.trained)
        }
    }

    private static func gigaFLOPs(_ definition: ModelDefinition, _ cost: ModelCost) -> Double {
        2e-9 * Double(cost.trainingMultiplyAdds) * Double(definition.training.batchSize)
    }

    private static func print(
        _ definition: ModelDefinition, _ cost: ModelCost, _ checkpoint: CheckpointFolder.Newest?
    ) {
        Console.printTitle(definition.name)
        Console.print(lines: definition.summary)
        Console.print("")
        var fields = Fields([("family", definition.family)])
        fields.add("data set", definition.dataset ?? "none of its own")
        fields.add("input", definition.input.description)
        fields.add("latent", definition.latentWords)
        fields.add("objective", definition.objective.formula + ", in nats per image")
        fields.add("training", definition.training.words)
        fields.add("references", lines: definition.references.map(\.words))
        if let checkpoint { fields.add("checkpoint", checkpoint.words) }
        fields.print()
        Console.print("")
        var table = Table(
            [
                ("LAYER", .left), ("KIND", .left), ("ACTIVATION", .left), ("OUTPUT", .left), ("PARAMETERS", .right),
                ("MULTIPLY-ADDS", .right),
            ], dropping: ["MULTIPLY-ADDS", "ACTIVATION", "KIND"])
        for row in cost.rows {
            table.add([
                row.path, row.kind, row.activation ?? "", "\(row.outputShape)", Formatting.grouped(row.parameterCount),
                Formatting.grouped(row.multiplyAdds),
            ])
        }
        table.add([
            "total", "", "", "", Formatting.grouped(cost.parameterCount), Formatting.grouped(cost.multiplyAdds),
        ])
        for line in table.fittedLines { Console.print(line) }
        Console.print("")
        Fields([
            ("weights", "\(Formatting.bytes(cost.byteCount)) as 32-bit numbers"),
            (
                "arithmetic",
                "\(Formatting.quantity(1e9 * gigaFLOPs(definition, cost), "FLOP")) per training step of "
                    + "\(definition.training.batchSize) images"
            ),
        ]).print()
    }

    private static func json(
        _ definition: ModelDefinition, _ cost: ModelCost, _ checkpoint: CheckpointFolder.Newest?
    ) -> JSONValue {
        let layers = cost.rows.map { row in
            [
                "path": row.path, "kind": row.kind, "activation": row.activation, "output_shape": row.outputShape,
                "parameters": row.parameterCount, "multiply_adds": row.multiplyAdds,
            ] as JSONValue
        }
        let references = definition.references.map { reference in
            ["title": reference.title, "authors": reference.authors, "year": reference.year, "url": reference.url]
                as JSONValue
        }
        return [
            "name": definition.name, "family": definition.family, "summary": definition.summary,
            "dataset": definition.dataset, "input_shape": definition.input.dimensions,
            "latent_size": definition.latentSize, "variational": definition.isVariational,
            "objective": definition.objective.formula, "recipe": definition.training.words,
            "batch_size": definition.training.batchSize, "epochs": definition.training.epochs, "references": references,
            "layers": layers, "parameters": cost.parameterCount, "bytes": cost.byteCount,
            "multiply_adds": cost.multiplyAdds, "training_multiply_adds": cost.trainingMultiplyAdds,
            "gflop_per_training_step": gigaFLOPs(definition, cost), "checkpoint": checkpoint?.path,
            "epoch": checkpoint?.checkpoint.progress?.epoch, "step": checkpoint?.checkpoint.progress?.step,
        ]
    }
}

extension ModelDefinition.Reference {
    /// For instance "Kingma and Welling: Auto-Encoding Variational Bayes, 2013, https://…".
    fileprivate var words: String {
        [authors.map { "\($0): \(title)" } ?? title, year.map { "\($0)" }, url].compactMap(\.self)
            .joined(separator: ", ")
    }
}

extension CheckpointFolder.Newest {
    fileprivate var words: String {
        var text = path
        if let dataset = checkpoint.dataset { text += ", trained on \(dataset)" }
        if let progress = checkpoint.progress { text += ", epoch \(progress.epoch), step \(progress.step)" }
        return text
    }
}

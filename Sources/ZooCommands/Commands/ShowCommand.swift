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

    @Option(name: .customLong("set"), help: ArgumentHelp("Change a field of the definition.", valueName: "path=value"))
    var overrides: [String] = []

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        let registry = try models.registry()
        let changes = try overrides.map { try DefinitionOverride(argument: $0) }
        let model = try NamedModel(argument: model, overrides: changes, registry: registry)
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
            JSONValue.object([
                ("path", .string(row.path)), ("kind", .string(row.kind)),
                ("activation", JSONValue(row.activation)),
                ("output_shape", .array(row.outputShape.map { .integer($0) })),
                ("parameters", .integer(row.parameterCount)), ("multiply_adds", .integer(row.multiplyAdds)),
            ])
        }
        let references = definition.references.map { reference in
            JSONValue.object([
                ("title", .string(reference.title)), ("authors", JSONValue(reference.authors)),
                ("year", JSONValue(reference.year)), ("url", JSONValue(reference.url)),
            ])
        }
        return .object([
            ("name", .string(definition.name)), ("family", .string(definition.family)),
            ("summary", .string(definition.summary)), ("dataset", JSONValue(definition.dataset)),
            ("input_shape", .array(definition.input.dimensions.map { .integer($0) })),
            ("latent_size", .integer(definition.latentSize)), ("variational", .boolean(definition.isVariational)),
            ("objective", .string(definition.objective.formula)), ("recipe", .string(definition.training.words)),
            ("batch_size", .integer(definition.training.batchSize)), ("epochs", .integer(definition.training.epochs)),
            ("references", .array(references)), ("layers", .array(layers)),
            ("parameters", .integer(cost.parameterCount)), ("bytes", .integer(cost.byteCount)),
            ("multiply_adds", .integer(cost.multiplyAdds)),
            ("training_multiply_adds", .integer(cost.trainingMultiplyAdds)),
            ("gflop_per_training_step", .number(gigaFLOPs(definition, cost))),
            ("checkpoint", JSONValue(checkpoint?.path)),
            ("epoch", JSONValue(checkpoint?.checkpoint.progress?.epoch)),
            ("step", JSONValue(checkpoint?.checkpoint.progress?.step)),
        ])
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

import ArgumentParser
import ModelCards
import ModelKit
import Runs

struct CardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "card", abstract: "What to know of a trained model before using it: a model card.",
        discussion: """
            Made from the checkpoint and the metrics kept beside it (\(Tool.name) evaluate --metrics): what it is, how it was trained, \
            how good it is and by which protocol, what it makes, its limits. As a page, or as Markdown with its pictures beside it.

            \(Tool.name) card runs/beta-vae-sprites --output card.html
            \(Tool.name) card pretrained:mlp-vae-mnist --output card.md
            """)

    @Argument(help: "A checkpoint, or a run's folder.", completion: .trained)
    var checkpoint: String

    @OptionGroup var models: ModelOptions

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write, .html or .md (default: MODEL-card.html).", valueName: "file"),
        completion: .file(extensions: ["html", "md"]))
    var output: String?

    func run() throws {
        let model = try TrainedModel(argument: checkpoint, registry: try models.registry())
        try ModelCard(model).report(to: output ?? "\(model.definition.name)-card.html")
    }
}

extension ModelCard {
    /// Writes the card, and says so.
    func report(to path: String) throws {
        try write(to: path)
        Console.writeError("wrote", .green, " \(path)")
    }
}

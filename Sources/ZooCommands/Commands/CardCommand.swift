import ArgumentParser
import Figures
import FileSupport
import ModelCards
import ModelKit
import Planning
import Runs
import TensorCore

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
        try ModelCard(model).write(to: output ?? "\(model.definition.name)-card.html")
    }
}

extension ModelCard {
    /// Writes the card, and for Markdown its pictures beside it, and says so.
    ///
    /// - Throws: `ZooError` for another extension, and where a picture cannot be drawn or a file not be written.
    func write(to path: String) throws {
        if Page.isPage(path) {
            try page().write(to: path)
        } else if path.lowercased().hasSuffix(".md") {
            let base = String(path.dropLast(3))
            let name = base.split(separator: "/").last.map(String.init) ?? base
            for picture in try pictures() { try AtomicFile.write(picture.png, to: "\(base)-\(picture.name).png") }
            try AtomicFile.write(Array(try markdown { "\(name)-\($0).png" }.utf8), to: path)
        } else {
            throw ZooError("a card is written as .html or .md, not as '\(path)'", kind: .usage)
        }
        Console.writeError("wrote", .green, " \(path)")
    }
}

import ArgumentParser
import FileSupport
import ModelKit
import Runs

struct NewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Begin a model of your own: a definition to edit, from a model of the zoo.",
        discussion: """
            Writes NAME.yaml, a copy with its comments under the new name. A file that exists is left as it is.

              \(Tool.name) new my-vae --from conv-vae-mnist
              \(Tool.name) new my-vae --from conv-vae-mnist --output models/my-vae.yaml
            """)

    @Argument(help: "The new model's name: lower-case letters, digits and hyphens.")
    var name: String

    @OptionGroup var models: ModelOptions

    @Option(
        help: ArgumentHelp("The model, definition file or checkpoint to begin with.", valueName: "model"),
        completion: .anyModel)
    var from: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write (default: NAME.yaml).", valueName: "file"))
    var output: String?

    func run() throws {
        let registry = try models.registry()
        let original = try NamedModel(argument: from, registry: registry).definition
        let path = output ?? name + ".yaml"
        let text = try original.copy(named: name, registry: registry)
        try OutputFile.requireFree(path, option: "--output", force: nil)
        try AtomicFile.write(Array(text.utf8), to: path)
        Console.print(path)
        Console.writeError(
            "Edit it, then check it with `\(Tool.name) validate \(path)`, look at it with `\(Tool.name) show \(Self.argument(path))` and "
                + "train it with `\(Tool.name) train \(Self.argument(path))`.")
    }

    /// A path that no command takes for a model's name.
    private static func argument(_ path: String) -> String {
        path.contains("/") || path.hasSuffix(".yaml") || path.hasSuffix(".yml") ? path : "./" + path
    }
}

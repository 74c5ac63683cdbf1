import ArgumentParser
import ModelKit
import TensorCore
import TextSupport

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
        guard Self.isName(name) else {
            throw ZooError(
                "a model cannot be called “\(name)”",
                advice: "a name has lower-case letters, digits, hyphens and underscores, at most 64", kind: .usage)
        }
        if registry.models.contains(where: { $0.name == name }) {
            throw ZooError(
                "there is a model called \(name) already", advice: "choose another name for the new one", kind: .usage)
        }
        let original = try ModelArgument.definition(from, registry: registry)
        let path = output ?? name + ".yaml"
        try TextFile.create(path, try Self.copy(original, name: name, registry: registry))
        Console.print(path)
        Console.writeError(
            "Edit it, then check it with `\(Tool.name) validate \(path)`, look at it with `\(Tool.name) show \(Self.argument(path))` and "
                + "train it with `\(Tool.name) train \(Self.argument(path))`.")
    }

    /// What definitions accept as a name.
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.unicodeScalars.allSatisfy { scalar in
                ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "-" || scalar == "_"
            }
    }

    /// A path that no command takes for a model's name.
    private static func argument(_ path: String) -> String {
        path.contains("/") || path.hasSuffix(".yaml") || path.hasSuffix(".yml") ? path : "./" + path
    }

    /// The definition's text with another name and a summary that says where it comes from.
    private static func copy(_ original: ModelDefinition, name: String, registry: Registry) throws -> String {
        let summary = JSONValue.string("From \(original.name): \(original.summary)").text()
        let text = replacing(["name": name, "summary": summary], in: original.text)
        if let copy = try? ModelDefinition(text: text, source: name, registry: registry), copy.name == name,
            copy.summary != original.summary
        {
            return text
        }
        // Not written one field a line: take the tree, without comments.
        let overrides = [
            DefinitionOverride(path: ["name"], value: name), DefinitionOverride(path: ["summary"], value: summary),
        ]
        return try ModelDefinition(text: original.text, source: name, overrides: overrides, registry: registry).text
    }

    /// Replaces fields of the outermost level, which may go over several lines, and leaves the other lines alone.
    private static func replacing(_ fields: [String: String], in text: String) -> String {
        var lines: [Substring] = []
        var isReplaced = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if isReplaced, line.hasPrefix(" ") || line.hasPrefix("\t") { continue }
            isReplaced = false
            if let colon = line.firstIndex(of: ":"), let value = fields[String(line[..<colon])] {
                isReplaced = true
                lines.append("\(line[..<colon]): \(value)")
            } else {
                lines.append(line)
            }
        }
        return lines.joined(separator: "\n")
    }
}

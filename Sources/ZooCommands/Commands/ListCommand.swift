import ArgumentParser
import Glibc
import ModelKit
import TensorCore
import TextSupport

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the models of the zoo.",
        discussion: """
            PATTERN may hold * (anything), ? (one character) and [abc] (one of these).

              \(Tool.name) list
              \(Tool.name) list '*mnist*' --family vae
              \(Tool.name) list --json
            """)

    @Argument(help: "Which names to list.")
    var pattern: String?

    @OptionGroup var models: ModelOptions

    @Option(help: ArgumentHelp("Only models of this family, for instance vae.", valueName: "family"))
    var family: String?

    @Flag(help: "One JSON array on standard output.")
    var json = false

    @Flag(name: .shortAndLong, help: "Names only.")
    var quiet = false

    func validate() throws {
        if json, quiet { throw ValidationError("give --json or --quiet, not both") }
    }

    func run() throws {
        let registry = try models.registry()
        let sources = registry.models.filter { source in
            pattern.map { fnmatch($0, source.name, 0) == 0 } ?? true
        }
        if quiet, family == nil {
            try refuseEmpty(sources.isEmpty, among: registry.models.map(\.name))
            for source in sources { Console.print(source.name) }
            return
        }
        let entries = sources.compactMap { source -> Entry? in
            do {
                return try Entry(source, registry)
            } catch {
                Console.warn(lines: "leaving out \(source.name.printable()): \(error)")
                return nil
            }
        }
        let listed = entries.filter { entry in family.map { $0 == entry.definition.family } ?? true }
        if json {
            Console.print(JSONValue.array(listed.map(\.json)))
            return
        }
        if let family, !entries.isEmpty, listed.isEmpty {
            let families = Set(entries.map(\.definition.family)).sorted()
            let near = nearestName(to: family, among: families).map { "did you mean \($0)? " } ?? ""
            throw ZooError(
                "no model is of the family \(family)", advice: near + "there are \(families.joined(separator: ", "))",
                code: .notFound)
        }
        try refuseEmpty(listed.isEmpty, among: registry.models.map(\.name))
        if quiet {
            for entry in listed { Console.print(entry.definition.name) }
            return
        }
        var table = Table(
            [
                ("NAME", .left), ("FAMILY", .left), ("DATASET", .left), ("Z", .right), ("PARAMETERS", .right),
                ("OBJECTIVE", .left), ("SUMMARY", .left),
            ], dropping: ["SUMMARY", "OBJECTIVE", "FAMILY", "Z"])
        for entry in listed { table.add(entry.cells) }
        for line in table.fittedLines { Console.print(line) }
    }

    private func refuseEmpty(_ isEmpty: Bool, among names: [String]) throws {
        guard isEmpty, let pattern else { return }
        throw ZooError(
            "no model's name matches \(pattern)",
            advice: nearestName(to: pattern, among: names).map { "did you mean \($0)?" }
                ?? "`\(Tool.name) list` shows all models", code: .notFound)
    }
}

extension ListCommand {
    /// A model as a line of the list.
    private struct Entry {
        let definition: ModelDefinition
        let parameterCount: Int
        let origin: ModelSource.Origin

        /// - Throws: `DefinitionError` or `ZooError` where the definition is wrong.
        init(_ source: ModelSource, _ registry: Registry) throws {
            definition = try ModelDefinition(text: source.text, source: source.label, registry: registry)
            parameterCount = try ModelGraph(definition, purpose: .evaluation).parameterCount
            origin = source.origin
        }

        var cells: [String] {
            [
                definition.name, definition.family, definition.dataset ?? "–", String(definition.latentSize),
                Formatting.grouped(parameterCount), objective, definition.summary,
            ]
        }

        /// Cut on terminals, where the summary needs room, too.
        private var objective: String {
            let formula = definition.objective.formula
            let limit = 24
            return Console.outputIsTerminal && formula.count > limit ? formula.prefix(limit - 1) + "…" : formula
        }

        var json: JSONValue {
            [
                "name": definition.name, "family": definition.family, "dataset": definition.dataset,
                "latent_size": definition.latentSize, "parameters": parameterCount,
                "objective": definition.objective.formula, "summary": definition.summary, "origin": originText,
            ]
        }

        private var originText: String {
            switch origin {
            case .builtIn: "built-in"
            case .plugIn: "plug-in"
            case .file(let path): path
            }
        }
    }
}

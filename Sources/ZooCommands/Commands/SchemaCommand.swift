import ArgumentParser
import ModelKit

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of definition files.",
        discussion: """
            The layers, activations and likelihoods of plug-ins are part of it.

              \(Tool.name) schema > schemas/model.schema.json
            """, shouldDisplay: false)

    func run() throws {
        let text = DefinitionSchema.json(registry: ZooContext.current.registry)
        Console.print(lines: text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
}

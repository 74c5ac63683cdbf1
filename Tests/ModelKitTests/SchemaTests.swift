import Foundation
import LayerLibrary
import ModelKit
import ObjectiveLibrary
import Testing
import ZooModels

@Suite struct SchemaTests {
    private static let schemaFile = packageFolder.appendingPathComponent("schemas/model.schema.json")
    private static let judge = ProcessInfo.processInfo.environment["ZOO_JUDGES"]

    /// If this fails because fields have changed: `tools/zoo schema > schemas/model.schema.json`.
    @Test func theFileIsWhatTheRegistryGives() throws {
        let file = try String(contentsOf: Self.schemaFile, encoding: .utf8)
        #expect(file == DefinitionSchema.json(registry: try ZooModels.registry()))
    }

    @Test func isJSONAndKnowsEveryLayer() throws {
        let text = DefinitionSchema.json(registry: .builtIn)
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let definitions = try #require(object?["$defs"] as? [String: Any])
        for layer in Registry.builtIn.layers { #expect(definitions["layer." + layer.kind] != nil) }
    }

    /// Definitions that the reader refuses for their spelling, types or ranges; the schema must refuse them, too.
    private static let refused = [
        small("conv2d:", "conv2:"), small("filters: 4", "filters: four"), small("filters: 4", "filters: 0"),
        small("filters: 4, ", ""), small("kernel: 4,", "kernel: [4, 4, 4],"),
        small("activation: relu", "activation: rleu"),
        small("activation: relu", "linear: 4"), small("zoo.model/1", "zoo.model/2"),
        small("name: small", "name: Not A Name"),
        small("input: [1, 8, 8]", "input: [1, 8]"), small("size: 2", "size: 0"), small("mean: mean, ", ""),
        small("mean: mean, log_variance: log_variance", "code: code"), small(", kl: {weight: 1}", ""),
        small("kl: {weight: 1}", "kl: {weight: -1}"), small("bernoulli", "bernouli"),
        small("bernoulli", "{bernoulli: 0}"),
        small("kl: {weight: 1}", "kl: {weight: 1}, capacity: {weight: 1, end: 2, steps: 3}"),
        small("{adam: {learning_rate: 1.0e-3}}", "adam"), small("learning_rate: 1.0e-3", "learning_rate: 0"),
        small("adam: {", "sgd: {learning_rate: 1}, adam: {"), small("epochs: 2", "epochs: -1"),
        small("epochs: 2", "epochs: 2, schedule: step"), small("batch_size: 4, ", ""),
    ]

    /// `ZOO_JUDGES` names a Python with jsonschema and PyYAML.
    @Test(.enabled(if: judge != nil))
    func anIndependentValidatorAgrees() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("zoo-schema-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var rejected: [String] = []
        for (index, text) in Self.refused.enumerated() {
            #expect(text != smallDefinition && !problems(in: text).isEmpty, "number \(index)")
            let file = folder.appendingPathComponent("refused-\(index).yaml")
            try Data(text.utf8).write(to: file)
            rejected.append(file.path)
        }
        let sound = folder.appendingPathComponent("small.yaml")
        try Data(smallDefinition.utf8).write(to: sound)
        let definitions = packageFolder.appendingPathComponent("zoo/definitions").path
        let files = try FileManager.default.contentsOfDirectory(atPath: definitions).map { definitions + "/" + $0 }

        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.judge))
        process.arguments =
            [
                packageFolder.appendingPathComponent("tools/reference/validate_definitions.py").path,
                Self.schemaFile.path,
            ]
            + files.sorted() + [sound.path, "--reject"] + rejected
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let report = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(report)")
        #expect(report.hasSuffix("\(Self.refused.count) to reject: 0 faults\n"), "\(report)")
    }

    /// `docs/definitions.md` has a line on every name that a definition may use.
    @Test func everyNameIsDocumented() throws {
        let text = try String(contentsOf: packageFolder.appendingPathComponent("docs/definitions.md"), encoding: .utf8)
        var names = Registry.builtIn.likelihoods.map(\.name) + InitializerRule.names
        names += ["normal", "constant", "values"]
        var tables: [[FieldSchema]] = builtInRegularizers.map(\.fields)
        tables +=
            [DefinitionFields.training] + DefinitionFields.optimizers.values
            + DefinitionFields.schedules.values + Registry.builtIn.layers.map(\.fields)
            + Registry.builtIn.activations.map(\.fields)
        names += builtInDistributions.map(\.name) + builtInRegularizers.map(\.kind) + tables.flatMap { $0 }.map(\.name)
        names += Array(DefinitionFields.optimizers.keys) + Array(DefinitionFields.schedules.keys)
        names += Registry.builtIn.layers.map(\.kind) + Registry.builtIn.activations.map(\.name)
        for name in Set(names).sorted() { #expect(text.contains("`\(name)`"), "\(name) is not documented") }
    }

    /// The example in `docs/definitions.md` is a definition, and the code in `docs/plug-ins.md` is what the tests compile.
    @Test func theDocumentationsExamplesHold() throws {
        let docs = packageFolder.appendingPathComponent("docs")
        let definitions = try String(contentsOf: docs.appendingPathComponent("definitions.md"), encoding: .utf8)
        let example = try #require(definitions.components(separatedBy: "```yaml\n").dropFirst().first)
        let definition = try read(try #require(example.components(separatedBy: "```").first))
        #expect(definition.name == "tiny-vae-mnist")
        let plugIns = try String(contentsOf: docs.appendingPathComponent("plug-ins.md"), encoding: .utf8)
        for file in ["ChannelScale", "PseudoHuber", "MomentMatching", "ExamplePlugIn"] {
            let source = packageFolder.appendingPathComponent("Examples/PlugIn/\(file).swift")
            #expect(plugIns.contains(try String(contentsOf: source, encoding: .utf8)), "\(file).swift has changed")
        }
    }
}

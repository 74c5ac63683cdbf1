import ArgumentParser
import Checkpoints
import Interchange
import ModelFigures
import ModelKit
import Runs
import TensorCore
import TextSupport

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a checkpoint of weights from PyTorch, NumPy, ONNX or Keras.",
        discussion: """
            \(Tool.convert) import model.safetensors --model conv-vae-mnist --to imported.h5
            \(Tool.convert) import vae.encoder.onnx vae.decoder.onnx --to imported.h5

            Every tensor must be in the model and the other way round, with the same shape; every difference is named. \
            Python pickles are refused. See docs/interchange.md.
            """)

    @Argument(
        help: "The files, safetensors, npz, npy, ONNX or Keras; several if the model is spread over them.",
        completion: .weights)
    var files: [String]

    @OptionGroup var models: ModelOptions

    @Option(
        help: ArgumentHelp(
            "The model: a name, a definition file, or a checkpoint (default: the definition in the file, if the zoo wrote it).",
            valueName: "model"))
    var model: String?

    @Option(help: ArgumentHelp("The checkpoint to write.", valueName: "file"))
    var to: String

    @Option(
        help: ArgumentHelp(
            "New names of tensors: YAML with lines `theirs: ours`; `theirs.: ours.` renames all below, `theirs.: ''` removes it.",
            valueName: "file"))
    var map: String?

    @Option(
        help: ArgumentHelp(
            "Remove what all names begin with: _orig_mod., module. or model., as wrappers of PyTorch leave it.",
            valueName: "prefix"))
    var stripPrefix: String?

    @Option(help: "Differences to accept, separated by commas: missing, extra, reshaped, narrowed.")
    var allow: String?

    @Flag(help: "Replace a file that exists.")
    var force = false

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func validate() throws {
        if map != nil, stripPrefix != nil {
            throw ValidationError("give --map or --strip-prefix, not both: a map removes a prefix with `theirs.: ''`")
        }
        if let stripPrefix, !stripPrefix.hasSuffix(".") {
            throw ValidationError("--strip-prefix \(stripPrefix): a prefix ends in a dot, as \(stripPrefix).")
        }
    }

    private func allowed() throws -> Set<ImportDifference.Kind> {
        let words = allow?.split(separator: ",").map(String.init) ?? []
        return Set(
            try words.map { word in
                guard let kind = ImportDifference.Kind(rawValue: word) else {
                    let known = ImportDifference.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ZooError("--allow \(word): there are \(known)", kind: .usage)
                }
                return kind
            })
    }

    func run() throws {
        let allowed = try allowed()
        try OutputFile.requireFree(to, option: "--to", force: force)
        let files = try self.files.map { try ForeignFile(path: $0) }
        for file in files { for note in file.notes { Console.warn("\(file.path): \(note)") } }
        let definition = try definition(files)
        let map =
            try map.map { try NameMap(file: $0) }
            ?? stripPrefix.map { NameMap(removing: $0) }
        let weights = try WeightAssignment(files, map: map, to: definition, allowing: allowed)
        let checkpoint = Checkpoint(
            weights, definition: definition, from: files, provenance: ["tool": "zoo \(ZooVersion.current)"])
        try checkpoint.write(to: to)
        for difference in weights.differences { Console.warn(difference.message) }
        if !weights.unused.isEmpty {
            Console.writeError("not used by the zoo: \(weights.unused.joined(separator: ", ").printable())")
        }
        report(checkpoint, weights)
    }

    private func definition(_ files: [ForeignFile]) throws -> ModelDefinition {
        let registry = try models.registry()
        if let model { return try NamedModel(argument: model, registry: registry).definition }
        guard let file = files.first(where: { $0.definition != nil }), let text = file.definition else {
            throw ZooError(
                "the file does not say which model its weights belong to", advice: "name one with --model", kind: .usage
            )
        }
        return try ModelDefinition(text: text, source: file.path, registry: registry)
    }

    private func report(_ checkpoint: Checkpoint, _ weights: WeightAssignment) {
        let count = weights.parameters.reduce(0) { $0 + $1.values.count }
        guard json else {
            Console.print("\(to): \(checkpoint.model), \(Formatting.grouped(count)) parameters".printable())
            return
        }
        Console.print(
            ([
                "checkpoint": to, "model": checkpoint.model, "parameters": count, "tensors": checkpoint.weights.count,
                "differences": weights.differences.map {
                    ["kind": $0.kind?.rawValue ?? "wrong", "tensor": $0.name, "message": $0.message] as JSONValue
                }, "unused": weights.unused,
            ] as JSONValue).text())
    }
}

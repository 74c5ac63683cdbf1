import ArgumentParser
import Checkpoints
import FileSupport
import Interchange
import ModelKit
import Runs
import TensorCore
import TextSupport

extension InterchangeFormat: ExpressibleByArgument {}

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a checkpoint's weights for PyTorch, NumPy, ONNX or Keras.",
        discussion: """
            \(Tool.convert) export runs/conv-vae-mnist-20261120-231501 --to safetensors

            safetensors and npz hold the names and layouts of PyTorch's state_dict. onnx writes two graphs, \
            NAME.encoder.onnx and NAME.decoder.onnx. See docs/interchange.md.
            """)

    @Argument(help: "A checkpoint, or a run's folder.", completion: .trained)
    var checkpoint: String

    @OptionGroup var models: ModelOptions

    @Option(help: "The format: safetensors, npz, onnx or keras.")
    var to: InterchangeFormat

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write (default: the model's name in this folder).", valueName: "file"))
    var output: String?

    @Flag(help: "Replace files that exist.")
    var force = false

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        let model = try TrainedModel(checkpoint, registry: try models.registry())
        let files = try model.checkpoint.exported(to: to, definition: model.definition).map {
            (path: path(of: $0, model: model.definition.name), bytes: $0.bytes)
        }
        let broken = model.checkpoint.inferenceWeights.filter { !$0.values.allSatisfy(\.isFinite) }
        if let first = broken.first {
            let others = broken.count > 1 ? " and \(broken.count - 1) other tensors hold" : " holds"
            Console.warn("\(model.path): \(first.path)\(others) values that are not finite")
        }
        for file in files { try OutputFile.requireFree(file.path, option: "--output", force: force) }
        for file in files { try AtomicFile.write(file.bytes, to: file.path) }
        guard json else {
            for file in files { Console.print(file.path) }
            return
        }
        Console.print(
            ([
                "checkpoint": model.path, "model": model.definition.name, "format": to.rawValue,
                "files": files.map { ["path": $0.path, "bytes": $0.bytes.count] as JSONValue },
            ] as JSONValue).text())
    }

    /// Where a file of the export goes. The extension is added where it is not there; a part stands before it.
    private func path(of file: ExportedFile, model: String) -> String {
        let end = "." + to.fileExtension
        var stem = output ?? model
        if stem.hasSuffix(end) { stem.removeLast(end.count) }
        return stem + (file.part.map { "." + $0 } ?? "") + end
    }
}

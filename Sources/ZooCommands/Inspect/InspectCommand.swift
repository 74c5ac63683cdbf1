import ArgumentParser
import Figures
import TensorCore
import WeightFiles

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Look into a checkpoint, or the weights of another tool.",
        discussion: """
            Reads the header of a checkpoint only, so large files open at once; --weights reads the values.

              \(Tool.convert) inspect runs/conv-vae-mnist
              \(Tool.convert) inspect best.h5 --weights --latent
              \(Tool.convert) inspect best.h5 --html best.html
              \(Tool.convert) inspect model.safetensors --json

            Files of safetensors, NumPy, ONNX and Keras are shown as far as they carry it. See docs/checkpoints.md.
            """)

    @Argument(
        help: "A checkpoint, a run's folder, or a file of safetensors, npz, ONNX or Keras.", completion: .weights)
    var file: String

    @Flag(help: "The tensors as a tree.")
    var tree = false

    @Flag(help: "Read the values: extremes, mean, zeros, NaN, norms, spectral norm, stable rank, histogram.")
    var weights = false

    @Flag(help: "The latent dimensions: KL, variances, active or not, strongest factor, correlations.")
    var latent = false

    @Flag(help: "The losses of every epoch.")
    var history = false

    @Option(help: ArgumentHelp("Write all of it as one page with plots.", valueName: "file"))
    var html: String?

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        let inspection = try Inspection(file)
        if let html {
            try inspection.page().write(to: html)
            Console.writeError("saved \(html)")
            guard json else { return }
        }
        if json {
            Console.print(try inspection.json(weights: weights, latent: latent, history: history))
            return
        }
        let text = InspectionText(inspection)
        text.printHead()
        if tree { text.printTree() }
        try text.printScores()
        if weights { text.printWeights() }
        if latent { try text.printLatent() }
        if history { try text.printHistory() }
        if !tree, !weights, !latent, !history { text.printTensors() }
    }
}

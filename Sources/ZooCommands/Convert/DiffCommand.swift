import ArgumentParser
import Checkpoints
import FileSupport
import LatentTools
import TensorCore
import TextSupport
import WeightFiles

struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Compare two checkpoints, or the weights of other tools.",
        discussion: """
            \(Tool.convert) diff step-0000000500.h5 step-0000001000.h5
            \(Tool.convert) diff best.h5 model.safetensors

            Compares definitions line by line, the model's tensors by the norm of their difference, that norm relative to \
            the first, and their cosine, and the latent statistics. Exits with 0 if the weights and definitions are the \
            same, 1 if they differ and 2 if they cannot be compared, as diff(1).
            """)

    @Argument(
        help: "A checkpoint, a run's folder, or a file of safetensors, npz, ONNX or Keras.", completion: .weights)
    var first: String

    @Argument(help: "The other.", completion: .weights)
    var second: String

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        let difference: InspectionDifference
        do {
            difference = try InspectionDifference(Inspection(first), Inspection(second))
        } catch let error as ZooError {
            // 1 says that they differ, so whatever went wrong is 2.
            throw ZooError(error.message, details: error.details, advice: error.advice, kind: .usage)
        }
        if json {
            Console.print(difference.json)
        } else {
            difference.print()
        }
        if !difference.isSame { throw ExitStatus.failed }
    }
}

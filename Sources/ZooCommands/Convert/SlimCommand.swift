import ArgumentParser
import Checkpoints
import FileSupport
import Runs
import TensorCore
import TextSupport

struct SlimCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slim",
        abstract:
            "A copy of a checkpoint to publish: weights, definition and statistics, without the state of training.",
        discussion: """
            \(Tool.convert) slim runs/conv-vae-mnist/checkpoints/best.h5 --output conv-vae-mnist.h5
            \(Tool.convert) slim runs/conv-vae-mnist --half --output conv-vae-mnist.h5

            The copy samples, reconstructs, evaluates and converts as before; training cannot go on from it, only start from \
            its weights.
            """)

    @Argument(help: "A checkpoint, or a run's folder.", completion: .trained)
    var checkpoint: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The checkpoint to write.", valueName: "file"))
    var output: String

    @Option(help: ArgumentHelp("The licence of the weights, for cards.", valueName: "text"))
    var license: String?

    @Flag(help: "Store weights in 16 bits each, rounded to the nearest.")
    var half = false

    @Flag(help: "Replace a file that exists.")
    var force = false

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        try OutputFile.requireFree(output, option: "--output", force: force)
        let newest = try CheckpointSource(checkpoint).newestWithWarnings()
        let (path, checkpoint) = (newest.path, newest.checkpoint)
        var published = checkpoint.published(from: path)
        if let license { published.provenance["license"] = license }
        let bytes = try published.encoded(halfPrecision: half)
        try AtomicFile.write(bytes, to: output)
        guard json else {
            Console.print(output.printable())
            return
        }
        Console.print(
            (["checkpoint": path, "output": output, "bytes": bytes.count] as JSONValue).text())
    }
}

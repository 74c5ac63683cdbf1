import ArgumentParser
import Checkpoints
import Datasets
import ModelKit
import Runs
import TensorCore
import TextSupport
import Tracing

struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Follow one image through a training step, number by number.",
        discussion: """
            Shows every operation with its formula, every intermediate tensor, the losses and every gradient, computed in \
            64-bit floating point; nothing is learned. Tensors of more than 16 numbers are summarised.

              \(Tool.name) trace worked-autoencoder --input 0.34,0.55
              \(Tool.name) trace worked-vae --input 0.34,0.55 --noise 0.1
              \(Tool.name) trace conv-vae-mnist --index 7 --data-dir ~/data
            """)

    @Argument(
        help: "A model's name (see `\(Tool.name) list`), a definition file, a checkpoint or a run's folder.",
        completion: .anyModel)
    var model: String

    @OptionGroup var models: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The image, in the order C H W (default: 0.34,0.55 for two inputs, else zeros).", valueName: "x,…"))
    var input: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("An image of the data set, by number.", valueName: "i"))
    var index: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("What the reconstruction is compared with (default: the input).", valueName: "x,…"))
    var target: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("ε: one number per latent dimension, or one for all (default: drawn).", valueName: "e,…"))
    var noise: String?

    @Option(help: "Seed of what is drawn: ε, dropout, and the first weights of an untrained model.")
    var seed: UInt64 = 0

    @OptionGroup var changes: OverrideOptions

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func validate() throws {
        if input != nil, index != nil { throw ValidationError("give --input or --index, not both") }
        if let index, index < 0 { throw ValidationError("--index must be at least 0, is \(index)") }
    }

    func run() throws {
        let model = try NamedModel(argument: model, overrides: try changes.overrides(), registry: try models.registry())
        let definition = model.definition
        let input = try traceInput(definition, trainedOn: model.trained?.checkpoint.trainingData)
        let trace: ModelTrace
        do {
            trace = try ModelTrace(definition, weights: model.trained?.checkpoint.weights, input: input)
        } catch let error as ZooError {
            throw error.at(model.trained?.path ?? self.model)
        }
        if json {
            Console.print(trace.json)
        } else {
            for line in trace.lines { Console.print(line) }
        }
    }

    private func traceInput(_ definition: ModelDefinition, trainedOn: TrainingData?) throws -> ModelTrace.Input {
        let count = definition.input.count
        let what = "an image of shape \(definition.input)"
        let image: [Double]
        var imageClass = 0
        if let index {
            (image, imageClass) = try self.image(index, definition, trainedOn)
        } else if let input {
            image = try Self.numbers(input, option: "--input", count: count, model: definition.name, what: what)
        } else if definition.input.dimensions == [2], definition.dataset == nil {
            image = [0.34, 0.55]
        } else {
            Console.writeError("The image is all zeros; give one with --index, or its \(count) numbers with --input.")
            image = [Double](repeating: 0, count: count)
        }
        return ModelTrace.Input(
            image: image,
            target: try target.map {
                try Self.numbers($0, option: "--target", count: count, model: definition.name, what: what)
            },
            noise: try noise(definition), imageIndex: Int32(index ?? 0), imageClass: imageClass,
            seed: seed)
    }

    private func noise(_ definition: ModelDefinition) throws -> [Double] {
        let size = definition.latentSize
        guard definition.isVariational else {
            guard noise == nil else {
                throw ZooError(
                    "\(definition.name) is a plain autoencoder: it draws no noise", advice: "leave --noise out",
                    kind: .usage)
            }
            return []
        }
        guard let noise else { return [] }
        let numbers = try Self.numbers(noise, option: "--noise")
        if numbers.count == 1 { return [Double](repeating: numbers[0], count: size) }
        guard numbers.count == size else {
            throw ZooError(
                "--noise has \(numbers.count) numbers, but \(definition.name) has \(size) latent "
                    + (size == 1 ? "dimension" : "dimensions"),
                advice: size == 1 ? "give one number" : "give \(size) numbers, or one for all", kind: .usage)
        }
        return numbers
    }

    /// An image of the data set in the order C H W, scaled to 0…1, and its class, 0 without one.
    private func image(
        _ index: Int, _ definition: ModelDefinition, _ trainedOn: TrainingData?
    ) throws -> (pixels: [Double], imageClass: Int) {
        let dataset = try data.choice(for: definition, trainedOn: trainedOn).openWithProgress()
        let shape = dataset.info.shape
        guard shape == definition.input.dimensions else {
            throw ZooError(
                "the images of \(dataset.info.name) are \(shape), but \(definition.name) takes \(definition.input)",
                advice: "choose another data set with --dataset", kind: .usage)
        }
        guard index < dataset.count, let number = Int32(exactly: index) else {
            throw ZooError("--index \(index): \(dataset.info.name) has images 0 to \(dataset.count - 1)", kind: .usage)
        }
        return (try dataset.tensor([number]).values.map(Double.init), dataset.label(index) ?? 0)
    }

    /// Numbers between commas or blanks.
    private static func numbers(_ text: String, option: String) throws -> [Double] {
        try text.split { $0 == "," || $0.isWhitespace }.map { word in
            guard let number = Double(word), number.isFinite, abs(number) <= 1e30 else {
                throw ZooError(
                    "\(option): “\(word.prefix(40))” is not a number", advice: "for instance \(option) 0.34,0.55",
                    kind: .usage)
            }
            return number
        }
    }

    private static func numbers(
        _ text: String, option: String, count: Int, model: String, what: String
    ) throws -> [Double] {
        let numbers = try numbers(text, option: option)
        guard numbers.count == count else {
            throw ZooError(
                "\(option) has \(numbers.count) \(numbers.count == 1 ? "number" : "numbers"), but \(model) takes \(count): "
                    + what, advice: "give \(count) numbers between commas", kind: .usage)
        }
        return numbers
    }
}

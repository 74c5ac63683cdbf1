import ArgumentParser
import Checkpoints
import Datasets
import LatentTools
import ModelFigures
import ModelKit
import Planning
import Runs
import TensorCore
import TextSupport
import WeightFiles

struct LatentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latent", abstract: "Compute the statistics of a model's latent space over a data set.",
        discussion: """
            Per dimension the KL divergence in nats, mean and variance of μ, mean σ², active or not, and, where the data set \
            knows factors or labels, the mutual information with each.

              \(Tool.convert) latent runs/beta-vae-sprites
              \(Tool.convert) latent best.h5 --dataset fashion-mnist --split train
              \(Tool.convert) latent best.h5 --store best-with-statistics.h5
            """)

    @Argument(help: "A checkpoint, or a run's folder.", completion: .trained)
    var checkpoint: String

    @OptionGroup var models: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(help: "The images.")
    var split: Split = .test

    @Option(help: "Images at most, spread over the split (default: all).")
    var count: Int?

    @Option(help: ArgumentHelp("Write a copy of the checkpoint with these statistics.", valueName: "file"))
    var store: String?

    @Flag(help: "Replace a file that exists.")
    var force = false

    @Option(parsing: .unconditional, help: "Threads that compute (default: all cores).")
    var threads: Int?

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be at least 1, is \(count)") }
    }

    func run() throws {
        try Computing.use(threads: threads)
        if let store { try OutputFile.requireFree(store, option: "--store", force: force) }
        let model = try TrainedModel(checkpoint, registry: try models.registry())
        try model.definition.requireContinuousCodes(for: "dimensions with a mean and a variance")
        let images = try model.images(of: try data.open(for: model), split: split)
        let plan = try model.inference(batchSize: 500)
        let indices = count.map { Pictures.spread(images.indices, count: $0) } ?? images.indices
        let statistics = try LatentStatistics(
            of: images.dataset, indices: indices, split: split.rawValue, plan: plan,
            progress: { done in
                guard Console.errorIsTerminal else { return }
                let text = "\(Formatting.grouped(done)) of \(Formatting.grouped(indices.count)) images"
                Console.redrawLine(done < indices.count ? text : "")
            })
        if let store {
            var copy = model.checkpoint
            copy.latentStatistics = statistics
            try copy.write(to: store)
            Console.writeError("saved \(store.printable())")
        }
        if json {
            Console.print(
                ([
                    "model": model.definition.name, "checkpoint": model.path, "stored": store,
                    "latent": statistics.json(matrices: true),
                ] as JSONValue).text())
            return
        }
        Console.printTitle(model.path.printable())
        LatentText(statistics).print()
    }
}

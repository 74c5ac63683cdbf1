import ArgumentParser
import Datasets
import Figures
import LatentTools
import ModelFigures
import ModelKit
import NumberFiles
import Runs
import TensorCore
import TextSupport

struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed", abstract: "Where the encoder puts images: numbers to work with, or a scatter plot.",
        discussion: """
            Writes μ, log σ², labels or factors of every image of the split, and the images, as .parquet or .npz, without the images \
            as .csv, or draws μ in two coordinates. Embedding Atlas opens the .parquet.

            \(Tool.name) embed runs/mlp-vae-mnist-2d --output latents.png --output latents.npz
            \(Tool.name) embed runs/beta-vae-sprites --color shape --dimensions 3,7
            \(Tool.name) embed pretrained:conv-vae-mnist --dimensions tsne
            \(Tool.name) embed runs/beta-vae-sprites --output codes.parquet
            embedding-atlas codes.parquet --x projection_x --y projection_y --image image
            """)

    @OptionGroup var options: LatentOptions

    @Option(parsing: .unconditional, help: "At most so many images, evenly spread over the split.")
    var count: Int = 10_000

    @Option(
        help: ArgumentHelp(
            "What to draw: two numbers, active (the two with the most KL), principal (the default where there are more than "
                + "two) or tsne (neighbours stay neighbours).", valueName: "i,j"))
    var dimensions: String?

    @Option(
        help: ArgumentHelp(
            "The factor that colours points (default: the labels, or a factor with few values).", valueName: "factor"))
    var color: String?

    @Flag(inversion: .prefixedNo, help: "Put the images into .parquet and .npz.")
    var images = true

    func validate() throws {
        try requireRange("--count", count, 2...10_000_000)
    }

    func run() throws {
        let model = try options.model()
        let files = try options.files(model, "embedding", allowed: EmbeddingTable.extensions)
        if let picture = files.first(where: { !EmbeddingTable.isTable($0) }), model.definition.codeCount != nil {
            try model.definition.requireContinuousCodes(for: "picture \(picture)")
        }
        let split = try options.images(for: model)
        let dataset = split.dataset
        let plan = try model.inference()
        let indices = Pictures.spread(split.indices, count: count)
        let codes = try LatentCodes(of: dataset, indices: indices, plan: plan)
        let factors = KnownFactor.all(of: dataset, indices: indices)
        let coloring = try KnownFactor.coloring(factors, named: color, in: dataset.info)
        let statistics = LatentStatistics(codes, split: options.split.rawValue, dataset: dataset.info.name)
        let table = EmbeddingTable(
            codes: codes, factors: factors, dataset: dataset,
            pictures: images && Pictures.canShow(model.definition) ? try model.pictures() : nil)
        for file in files {
            if EmbeddingTable.isTable(file) {
                let hasPlane = model.definition.codeCount == nil && codes.latentSize > 1
                try table.write(to: file) { hasPlane ? try axes(codes, statistics) : nil }
            } else {
                let details = [
                    "\(Formatting.grouped(codes.imageCount)) \(split.split.rawValue) "
                        + "\(dataset.info.isVector ? "vectors" : "images") of \(dataset.info.name)",
                    coloring.map { "coloured by \($0.name)" },
                ].compactMap(\.self)
                try EmbeddingPicture.figure(
                    codes, axes: try axes(codes, statistics),
                    groups: coloring.map { ($0.positions, $0.positionNames(in: dataset.info)) },
                    words: model.words(
                        "Where the encoder puts \(dataset.info.isVector ? "vectors" : "images")", details)
                ).write(to: file)
            }
        }
        let common: JSONValue = [
            "images": codes.imageCount, "split": options.split.rawValue, "factors": factors.map(\.name),
        ]
        if let codeCount = model.definition.codeCount {
            let usage = CodeUsage(of: codes, codeCount: codeCount)
            options.report(
                files, model,
                common + ["codes": usage.codeCount, "codes_used": usage.usedCount, "perplexity": usage.perplexity])
            return
        }
        options.report(
            files, model,
            common + [
                "mean_of_mean": statistics.meanOfMean, "variance_of_mean": statistics.varianceOfMean,
                "kl": statistics.isVariational ? JSONValue(statistics.kl) : JSONValue.null,
            ])
    }

    /// Where points are, with progress where that takes long.
    private func axes(_ codes: LatentCodes, _ statistics: LatentStatistics) throws -> EmbeddingAxes {
        let progress = ShareProgressView(isQuiet: options.json)
        defer { progress.clearLine() }
        return try EmbeddingAxes(try choice(size: statistics.latentSize), of: codes, statistics) {
            progress.show("t-SNE", $0)
        }
    }

    private func choice(size: Int) throws -> EmbeddingAxes.Choice? {
        switch dimensions {
        case nil: return nil
        case "principal": return .principal
        case "tsne": return .neighbors
        case "active": return .active
        case let text?:
            let chosen = try LatentDimension.list(text, size: size)
            guard chosen.count == 2 else {
                throw ZooError("--dimensions \(text): a picture has two dimensions", kind: .usage)
            }
            return .dimensions(chosen[0], chosen[1])
        }
    }
}

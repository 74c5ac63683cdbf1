import ArgumentParser
import Datasets
import Figures
import FileSupport
import ImageFiles
import Metrics
import ModelFigures
import ModelKit
import ModelMetrics
import Planning
import Runs
import TensorCore
import TextSupport

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "How strange each image is to a trained model: anomaly scores.",
        discussion: """
            For each image the negative evidence lower bound, its reconstruction part, the negative importance-weighted bound (nats) \
            and the squared error; of a plain autoencoder the squared error only. The higher, the stranger. With --normal, the area \
            under the receiver operating characteristic of each score.

            \(Tool.name) train mlp-vae-mnist --set training.only_class=3 --run-dir runs/three
            \(Tool.name) score runs/three --normal 3 --output scores.csv --output extremes.png
            \(Tool.name) score runs/three --images photos/*.png
            """)

    @OptionGroup var options: LatentOptions

    @Option(parsing: .upToNextOption, help: ArgumentHelp("Image files to score, or a folder.", valueName: "file…"))
    var images: [String] = []

    @Flag(help: "Crop and resize image files of another size.")
    var resize = false

    @Option(parsing: .unconditional, help: "At most so many images, evenly spread over the split.")
    var count: Int = 10_000

    @Option(parsing: .unconditional, help: "Codes of each image that its likelihood is estimated from.")
    var samples: Int = 50

    @Option(
        help: ArgumentHelp(
            "Classes that are normal, by name or number; all others are anomalies.", valueName: "class,…"))
    var normal: String?

    func validate() throws {
        try requireRange("--count", count, 1...10_000_000)
        try requireRange("--samples", samples, 1...1_000_000)
        if normal != nil, !images.isEmpty {
            throw ValidationError("--normal needs images of a data set with labels, not files")
        }
    }

    func run() throws {
        let model = try options.model()
        let files = try options.files(model, "scores", extensions: ["csv"], allowed: ["csv"])
        let (dataset, indices, names) = try chosen(model)
        let progress = ShareProgressView(isQuiet: options.json)
        let scores = try AnomalyScores(
            model, dataset, indices, samples: samples, seed: options.seed
        ) { progress.show("scores", $0) }
        progress.clearLine()
        let normal = try self.normal.map { try classes($0, dataset.info) }
        let areas = try normal.map { try scores.areas(normal: $0) }
        for file in files {
            if file.lowercased().hasSuffix(".csv") {
                try AtomicFile.write(
                    Array(scores.csv(names: names, classNames: dataset.info.classNames).utf8), to: file)
            } else {
                try scores.extremes(of: dataset, names: images.isEmpty ? names : nil, model: model).write(to: file)
            }
        }
        options.report(
            files, model,
            [
                "images": scores.rows.count, "samples": samples, "measures": scores.measures.map(\.rawValue),
                "area_under_curve": areas.map { areas in
                    JSONValue.object(areas.map { ($0.measure.rawValue, .number($0.area)) })
                },
                "scores": JSONValue.list(count: scores.rows.count) { place in
                    ["image": names[place], "scores": scores.rows[place].scores] as JSONValue
                },
            ])
        guard !options.json else { return }
        for (measure, area) in areas ?? [] {
            Console.print("\(measure.rawValue): area under the curve \(Formatting.decimals(area, 4))")
        }
    }

    /// The images to score, with their names.
    private func chosen(_ model: TrainedModel) throws -> (any Dataset, [Int32], [String]) {
        guard !images.isEmpty else {
            let images = try options.images(for: model)
            let indices = Pictures.spread(images.indices, count: count)
            return (images.dataset, indices, indices.map(String.init))
        }
        let shape = model.definition.input
        guard shape.rank == 3 else {
            throw ZooError("\(model.definition.name) takes \(shape), not images", kind: .usage, code: .mismatch)
        }
        let paths = try images.flatMap { try ImageFiles.files(at: $0) }
        let dataset = try MemoryDataset(
            pictures: paths, shape: shape, resizing: resize, preparation: model.preparation)
        return (dataset, (0..<Int32(paths.count)).map { $0 }, paths)
    }

    private func classes(_ text: String, _ info: DatasetInfo) throws -> Set<Int> {
        do {
            return Set(try text.split(separator: ",").map { try info.label(named: String($0.filter { $0 != " " })) })
        } catch let error as ZooError {
            throw error.at("--normal")
        }
    }
}

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
        guard (1...10_000_000).contains(count) else {
            throw ValidationError("--count must lie in 1…10000000, is \(count)")
        }
        guard (1...1_000_000).contains(samples) else {
            throw ValidationError("--samples must lie in 1…1000000, is \(samples)")
        }
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
        let normal = try self.normal.map { try classes($0, of: dataset) }
        let areas = try normal.map { try scores.areas(normal: $0) }
        for file in files {
            if file.lowercased().hasSuffix(".csv") {
                try AtomicFile.write(Array(csv(scores, names, dataset).utf8), to: file)
            } else {
                try extremes(scores, names, dataset, model).write(to: file)
            }
        }
        options.report(
            files, model,
            [
                ("images", .integer(scores.rows.count)), ("samples", .integer(samples)),
                ("measures", .array(scores.measures.map { .string($0.rawValue) })),
                (
                    "area_under_curve",
                    areas.map { areas in .object(areas.map { ($0.measure.rawValue, .number($0.area)) }) } ?? .null
                ),
                (
                    "scores",
                    .list(count: scores.rows.count) { place in
                        .object([("image", .string(names[place])), ("scores", JSONValue(scores.rows[place].scores))])
                    }
                ),
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
        let paths = try images.flatMap { try Self.files(of: $0) }
        let shape = model.definition.input
        guard shape.rank == 3 else {
            throw ZooError("\(model.definition.name) takes \(shape), not images", kind: .usage, code: .mismatch)
        }
        let chosen = try paths.map {
            try ChosenImage(file: $0, shape: shape, resizing: resize, preparation: model.preparation)
        }
        let dataset = try MemoryDataset(
            name: "image files", shape: shape.dimensions, pixels: chosen.flatMap(\.pixels))
        return (dataset, (0..<Int32(chosen.count)).map { $0 }, paths)
    }

    /// A file itself, or the files of a folder.
    private static func files(of path: String) throws -> [String] {
        guard CheckpointSource(path).isFolder else { return [path] }
        let found = try FolderListing.names(in: path).sorted().filter { name in
            ImageFiles.extensions.contains(name.lowercased().split(separator: ".").last.map(String.init) ?? "")
        }
        guard !found.isEmpty else {
            throw ZooError(
                "\(path) has no \(ImageFiles.kinds()) files", kind: .usage, code: .notFound, subject: .path(path))
        }
        return found.map { "\(path)/\($0)" }
    }

    private func classes(_ text: String, of dataset: any Dataset) throws -> Set<Int> {
        guard let names = dataset.info.classNames else {
            throw ZooError("--normal \(text): \(dataset.info.name) has no labels", kind: .usage, code: .mismatch)
        }
        return Set(
            try text.split(separator: ",").map { part in
                let name = String(part.filter { $0 != " " })
                guard let label = names.firstIndex(of: name) ?? Int(name), names.indices.contains(label) else {
                    let nearest = nearestName(to: name, among: names).map { "; did you mean '\($0)'?" } ?? ""
                    throw ZooError(
                        "--normal: \(dataset.info.name) has no class '\(name)'\(nearest)",
                        advice: "its classes are \(names.joined(separator: ", "))", kind: .usage, code: .notFound)
                }
                return label
            })
    }

    private func csv(_ scores: AnomalyScores, _ names: [String], _ dataset: any Dataset) -> String {
        let classes = dataset.info.classNames
        var text = (["image", "class"] + scores.measures.map(\.rawValue)).joined(separator: ",") + "\n"
        for (row, name) in zip(scores.rows, names) {
            let label = row.label.map { label in
                classes.flatMap { $0.indices.contains(label) ? $0[label] : nil } ?? String(label)
            }
            let cells = [name, label ?? ""].map(Self.quoted) + row.scores.map { "\($0)" }
            text += cells.joined(separator: ",") + "\n"
        }
        return text
    }

    /// A field of a table, in quotes where it needs them (RFC 4180, section 2).
    private static func quoted(_ text: String) -> String {
        guard text.contains(where: { ",\"\r\n".contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// The least and the most strange images.
    private func extremes(
        _ scores: AnomalyScores, _ names: [String], _ dataset: any Dataset, _ model: TrainedModel
    ) throws -> ImageGrid {
        let order = scores.rows.indices.sorted { scores.rows[$0].scores[0] < scores.rows[$1].scores[0] }
        let perRow = min(10, order.count)
        let rows = [Array(order.prefix(perRow)), Array(order.suffix(perRow).reversed())]
        let shown = try dataset.tensor(rows.flatMap { $0 }.map { scores.rows[$0].index })
        let measure = scores.measures.first?.rawValue ?? ""
        var grid = ImageGrid(
            images: try model.pictures().images(shown), columns: perRow,
            words: model.words(
                "Images by \(measure)", ["\(Formatting.grouped(scores.rows.count)) images of \(dataset.info.name)"]))
        grid.rowCaptions = ["least strange", "strangest"]
        grid.imageCaptions = rows.flatMap { $0 }.map { row in
            let name = dataset.info.name == "image files" ? "" : "\(names[row]): "
            return name + Formatting.decimals(scores.rows[row].scores[0], 1)
        }
        return grid
    }
}

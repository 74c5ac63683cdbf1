import ArgumentParser
import Checkpoints
import Datasets
import Explorer
import FileSupport
import Glibc
import ModelKit
import Planning
import Runs
import Synchronization
import TensorCore
import TextSupport

struct ExploreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explore", abstract: "Sliders, a map and pictures of a latent space in the browser.",
        discussion: """
            Serves a page until Ctrl-C: a slider for each latent dimension with the decoded picture, a map of the codes, paths,
            samples, two models side by side; of a run's or sweep's folder also its curves and pictures while it trains. With
            --export the page becomes one file that needs neither this program nor a network.

            \(Tool.name) explore runs/beta-vae-sprites
            \(Tool.name) explore runs/conv runs/mlp --dataset mnist
            \(Tool.name) explore runs/beta-vae-sprites --export page.html
            """)

    @Argument(help: "Checkpoints, or folders of runs or sweeps.", completion: .trained)
    var checkpoints: [String]

    @OptionGroup var models: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(help: "The images on the map.")
    var split: Split = .test

    @Option(parsing: .unconditional, help: "At most so many images on the map, evenly spread over the split.")
    var count: Int = ExploredModel.defaultMapCount

    @Option(parsing: .unconditional, help: "Threads that compute (default: all cores).")
    var threads: Int?

    @Option(
        parsing: .unconditional,
        help: "The port to listen at (default: the first free one from \(ExplorerServer.firstPort) on).")
    var port: Int?

    @Option(
        help: ArgumentHelp(
            "The address to listen at. Any but 127.0.0.1 lets other machines connect: whoever has the page's address sees it.",
            valueName: "address"))
    var host: String = "127.0.0.1"

    @Flag(inversion: .prefixedNo, help: "Open the page in a browser, where there is a screen.")
    var open = true

    @Option(
        help: ArgumentHelp("Write the page with the models in it to this file, and end.", valueName: "file.html"),
        completion: .file(extensions: ["html"]))
    var export: String?

    func validate() throws {
        guard !checkpoints.isEmpty else { throw ValidationError("name a checkpoint or a run's folder") }
        try requireRange("--count", count, 2...20_000)
        try requireRange("--port", port, 0...65_535)
    }

    func run() throws {
        try Computing.use(threads: threads)
        let content = try content()
        if let export { return try write(content, to: export) }
        guard !content.models.isEmpty || !content.runs.isEmpty else { throw Self.nothing(checkpoints) }
        let server: ExplorerServer
        do {
            server = try ExplorerServer(content, host: host, port: port)
        } catch let error as ZooError where error.code == .inUse {
            throw ZooError(
                error.message, advice: "choose another --port, or leave it out", kind: .usage, code: .inUse)
        }
        Interruption.watch()
        Console.print(server.address)
        let isOpened = open && Browser.open(server.address)
        Console.writeError(isOpened ? "Ctrl-C ends it" : "open this address in a browser; Ctrl-C ends it")
        while !Interruption.isRequested { usleep(50_000) }
        server.stop()
    }

    /// Models are loaded until there are so many: a sweep may have made hundreds.
    private static let mostModels = 8

    private func content() throws -> ExplorerContent {
        let registry = try models.registry()
        var runs: [RunFolder] = []
        var explored: [ExploredModel] = []
        var leftOut = 0
        for argument in checkpoints {
            let folders = CheckpointSource(argument).isFolder ? RunOverview.folders(in: argument).found : []
            runs += folders
            for path in folders.isEmpty ? [argument] : folders.map(\.path) {
                // A run that has just begun has no checkpoint yet, and curves all the same.
                if !folders.isEmpty, try !Self.hasCheckpoint(path) { continue }
                guard explored.count < Self.mostModels else {
                    leftOut += 1
                    continue
                }
                explored.append(try model(path, run: folders.isEmpty ? nil : RunFolder(path: path), registry))
            }
        }
        if leftOut > 0 {
            Console.warn(
                "of \(explored.count + leftOut) models the first \(explored.count) are loaded; name others alone")
        }
        return ExplorerContent(
            models: explored, runs: runs, program: Tool.name, dataArguments: dataArguments)
    }

    private static func hasCheckpoint(_ run: String) throws -> Bool {
        let folder = RunFolder(path: run).checkpoints
        try folder.requireReadable()
        return !folder.entries.isEmpty
    }

    private func model(_ argument: String, run: RunFolder?, _ registry: Registry) throws -> ExploredModel {
        let model = try TrainedModel(argument: argument, registry: registry)
        var images: SplitImages?
        var problem: String?
        do {
            images = try model.images(of: data.open(for: model), split: split)
        } catch let error as ZooError where !data.isGiven {
            // Sliders need no images.
            problem = error.description(advice: nil)
            Console.warn(lines: "without a map of images: \(error.description(advice: nil))")
        }
        return try ExploredModel(
            model, run: run, registry: registry, images: images, imagesProblem: problem, mapCount: count)
    }

    /// What commands on the page need to find the same images.
    private var dataArguments: [String] {
        var words: [String] = []
        if let dataset = data.dataset { words += ["--dataset", dataset] }
        if let folder = data.imageFolder { words += ["--image-folder", folder] }
        if let folder = data.dataDir { words += ["--data-dir", folder] }
        return split == .test ? words : words + ["--split", split.rawValue]
    }

    private static func nothing(_ arguments: [String]) -> ZooError {
        ZooError("there is nothing to explore in \(arguments.joined(separator: ", "))", kind: .usage, code: .notFound)
    }

    private func write(_ content: ExplorerContent, to path: String) throws {
        let page = try Waiting.result(on: ComputingQueue.shared, of: { try await content.page() })
        try AtomicFile.write(page, to: path)
        Console.print("\(path) (\(Formatting.bytes(page.count)))")
    }
}

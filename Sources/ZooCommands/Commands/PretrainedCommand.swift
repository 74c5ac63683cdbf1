import ArgumentParser
import Checkpoints
import FileSupport
import Glibc
import Metrics
import ModelCards
import ModelKit
import ModelMetrics
import Planning
import Runs
import TensorCore
import TextSupport

struct PretrainedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrained", abstract: "Trained models that come with the program.",
        discussion: """
            Wherever a checkpoint is expected, pretrained:NAME is one of them:

            \(Tool.name) sample pretrained:mlp-vae-mnist
            \(Tool.name) traverse pretrained:beta-vae-sprites
            """,
        subcommands: [
            PretrainedListCommand.self, PretrainedPathCommand.self, PretrainedCardCommand.self,
            PretrainedVerifyCommand.self,
        ], defaultSubcommand: PretrainedListCommand.self)
}

/// A trained model of the program, for tables.
private struct PretrainedRow {
    let name: String
    let model: TrainedModel
    let byteCount: Int
    let loss: Double?

    /// All of them.
    static func all() throws -> [PretrainedRow] {
        let pretrained = ZooContext.current.pretrained
        return try pretrained.names.map { name in
            let path = try pretrained.path(name)
            var status = stat()
            let scores = try EvaluationRecord.kept(ofCheckpoint: path).scores
            return PretrainedRow(
                name: name, model: try TrainedModel(argument: path, registry: ZooContext.current.registry),
                byteCount: stat(path, &status) == 0 ? Int(status.st_size) : 0,
                loss: scores.first { $0.name == "loss" }?.value)
        }
    }
}

struct PretrainedListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The models, a line each.")

    @Flag(help: "One JSON array on standard output.")
    var json = false

    @Flag(help: "As a table in Markdown, with links to the cards beside it.")
    var markdown = false

    func run() throws {
        let rows = try PretrainedRow.all()
        if json {
            return Console.print(
                .array(
                    rows.map { row in
                        [
                            "name": row.name, "definition": row.model.definition.name,
                            "family": row.model.definition.family, "dataset": row.model.dataset,
                            "latent_size": row.model.definition.latentSize, "loss": row.loss, "bytes": row.byteCount,
                            "path": row.model.path,
                        ] as JSONValue
                    }))
        }
        let cells = rows.map { row in
            [
                row.name, row.model.definition.family, row.model.dataset ?? "–",
                String(row.model.definition.latentSize), row.loss.map { Formatting.decimals($0, 2) } ?? "–",
                Formatting.bytes(row.byteCount), row.model.definition.summary,
            ]
        }
        if markdown {
            Console.print("| name | family | data set | z | test loss, nats | size | |")
            Console.print("|---|---|---|---|---|---|---|")
            for cells in cells {
                let link = "[\(cells[0])](pretrained/\(cells[0]).md)"
                Console.print("| \(([link] + cells.dropFirst()).joined(separator: " | ")) |")
            }
            return
        }
        guard !rows.isEmpty else {
            Console.print("this program came without pretrained models")
            return
        }
        var table = Table([
            ("NAME", .left), ("FAMILY", .left), ("DATASET", .left), ("Z", .right), ("TEST LOSS", .right),
            ("SIZE", .right),
            ("SUMMARY", .left),
        ])
        for cells in cells { table.add(cells) }
        for line in table.fittedLines { Console.print(line) }
    }
}

struct PretrainedPathCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "path", abstract: "The checkpoint of a model.")

    @Argument(help: "The model's name.")
    var name: String

    func run() throws { Console.print(try ZooContext.current.pretrained.path(name)) }
}

struct PretrainedCardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "card", abstract: "The card of a model.")

    @Argument(help: "The model's name.")
    var name: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write, .html or .md (default: NAME-card.html).", valueName: "file"),
        completion: .file(extensions: ["html", "md"]))
    var output: String?

    func run() throws {
        let path = try ZooContext.current.pretrained.path(name)
        let model = try TrainedModel(argument: path, registry: ZooContext.current.registry)
        try ModelCard(model, name: name).report(to: output ?? "\(name)-card.html")
    }
}

struct PretrainedVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Evaluate models again, and compare with the numbers that came with them.",
        discussion: """
            Compares the digest of each checkpoint and computes its losses again on your copy of the data; numbers agree to 1e-4, \
            relative. Models whose data is not here are passed over. Ends with status 1 where something does not agree.
            """)

    @Argument(help: "The models' names (default: all).")
    var names: [String] = []

    @Option(help: ArgumentHelp("The metrics to compute again, or all (default: losses).", valueName: "names"))
    var metrics: String = "losses"

    @Option(
        help: ArgumentHelp("Where to look for data sets first; then $ZOO_DATA and the cache.", valueName: "dir"),
        completion: .directory)
    var dataDir: String?

    @Option(parsing: .unconditional, help: "Threads that compute (default: all cores).")
    var threads: Int?

    func run() throws {
        try Computing.use(threads: threads)
        let pretrained = ZooContext.current.pretrained
        let chosen: Set<String>? =
            metrics == "all"
            ? nil : Set(try BuiltInMetrics.named(metrics.split(separator: ",").map(String.init)).map(\.name))
        let progress = ShareProgressView(isQuiet: false)
        var hasFailed = false
        for name in names.isEmpty ? pretrained.names : names {
            let model = try TrainedModel(
                argument: try pretrained.path(name), registry: ZooContext.current.registry)
            let data = try DataOptions.parse(dataDir.map { ["--data-dir", $0] } ?? [])
            guard let choice = try? data.choice(for: model.definition, trainedOn: model.trainingData),
                let dataset = try? choice.openWithProgress()
            else {
                Console.print("\(name): passed over, \(model.dataset ?? "its data") is not here")
                continue
            }
            let verification = try CardVerification(model, on: dataset, metrics: chosen) {
                progress.show("\(name): \($0)", $1)
            }
            progress.clearLine()
            hasFailed = hasFailed || !verification.agrees
            let worst = verification.comparisons.max { $0.deviation < $1.deviation }
            let words = worst.map {
                "\(verification.comparisons.count) numbers, at most \(Formatting.significant($0.deviation, 2)) off"
            }
            Console.print(
                "\(name): \(verification.agrees ? "agrees" : "differs"), \(verification.digestAgrees ? "digest" : "ANOTHER DIGEST")"
                    + (words.map { ", \($0)" } ?? ""))
            for comparison in verification.comparisons where comparison.deviation > CardVerification.tolerance {
                Console.print("  \(comparison.name): \(comparison.now), kept was \(comparison.kept)")
            }
        }
        if hasFailed { throw ExitStatus(code: 1) }
    }
}

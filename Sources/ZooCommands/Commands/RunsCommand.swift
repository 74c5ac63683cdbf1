import ArgumentParser
import Checkpoints
import Figures
import ModelFigures
import Runs
import TensorCore
import TextSupport
import Training

struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "The training runs: which there are, how far they came, whether they can go on.",
        discussion: """
              \(Tool.name) runs list
              \(Tool.name) runs show runs/conv-vae-mnist-20261120-231501 --output curves.png
            """,
        subcommands: [RunsListCommand.self, RunsShowCommand.self])
}

struct RunsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the runs in a folder, oldest first.",
        discussion: "The loss is that of the last epoch over the test images, in nats per image.")

    @Argument(help: "Where to look, three levels deep.", completion: .directory)
    var folder = RunOverview.usualFolder

    @Flag(help: "One JSON array on standard output.")
    var json = false

    func run() throws {
        let (runs, problems) = try RunOverview.all(in: folder)
        for problem in problems { Console.warn(lines: problem) }
        if json {
            Console.print(JSONValue.array(runs.map { $0.json(files: $0.files(), isWhole: false) }))
            return
        }
        guard !runs.isEmpty else {
            Console.writeError("no runs in \(folder): `\(Tool.name) train MODEL` makes one")
            return
        }
        var table = Table(
            [
                ("RUN", .left), ("MODEL", .left), ("DATASET", .left), ("STATE", .left), ("EPOCHS", .right),
                ("STEPS", .right),
                ("LOSS", .right), ("BEST", .right), ("TIME", .right), ("SIZE", .right), ("RESUMES FROM", .left),
            ], dropping: ["SIZE", "DATASET", "BEST", "TIME", "MODEL", "STEPS", "RESUMES FROM", "EPOCHS"])
        for run in runs { table.add(run.cells) }
        for line in table.fittedLines { Console.print(line) }
    }
}

extension RunOverview {
    /// Of the last epoch; before one has ended, of the last steps.
    private var loss: Double? { history.last?.loss.means.loss ?? history.steps.last?.train.loss }

    fileprivate var cells: [String] {
        let record = record
        return [
            folder.path, record.model, record.dataset, state.words, record.epochsText(separator: "/"),
            "\(Formatting.grouped(record.steps))/\(Formatting.grouped(record.totalSteps))",
            loss.map { Formatting.decimals($0, 2) } ?? "–",
            record.best.map { Formatting.decimals($0.loss, 2) } ?? "–", Formatting.duration(record.seconds),
            Formatting.bytes(folder.byteCount),
            resumption(files()).map { "step \(Formatting.grouped($0.step))" } ?? "–",
        ]
    }
}

struct RunsShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a run: how far it came, its losses, its checkpoints.",
        discussion: "Each checkpoint is read whole and its digest compared.")

    @Argument(help: "The run's folder.", completion: .run)
    var path: String

    @Option(help: ArgumentHelp("Draw the losses over the epochs, too.", valueName: "png|svg|pdf"), completion: .figure)
    var output: String?

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        let folder = RunFolder(path: path)
        try folder.requireRun()
        let overview = try RunOverview(folder)
        if let problem = overview.historyProblem { Console.warn(lines: problem) }
        let files = overview.files()
        if let output { try overview.curves.write(to: output) }
        if json {
            Console.print(overview.json(files: files, isWhole: true))
            return
        }
        for line in overview.lines(files) { Console.print(line) }
    }
}

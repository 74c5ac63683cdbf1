import ArgumentParser
import ModelKit
import Runs
import TensorCore
import TextSupport
import Training

struct RecipeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipe", abstract: "Do a task of the course: train, compare, draw.",
        discussion: """
            A recipe is a list of zoo commands. Each is printed before it runs. Called again, a recipe skips and goes on as
            `\(Tool.name) sweep` does.

              \(Tool.name) recipe list
              \(Tool.name) recipe kl-weights --quick
              \(Tool.name) recipe conv-vs-mlp-cifar --dry-run
            """)

    @Argument(help: "A recipe's name, or list.", completion: .recipe)
    var name: String

    @Flag(help: "A few minutes on two cores instead of hours.")
    var quick = false

    @Option(name: .shortAndLong, help: ArgumentHelp("Where everything goes (default: runs/NAME).", valueName: "dir"))
    var output: String?

    @Option(parsing: .unconditional, help: "Threads that compute, in every command (default: all cores).")
    var threads: Int?

    @Option(
        help: ArgumentHelp("Where every command looks for data sets first.", valueName: "dir"), completion: .directory)
    var dataDir: String?

    @Flag(help: "Print the commands, but do not run them.")
    var dryRun = false

    @Flag(help: "Describe the recipes (or the recipe) as JSON; nothing is run.")
    var json = false

    func run() throws {
        let recipes = ZooContext.current.recipes
        if name == "list" { return list(recipes) }
        guard let recipe = recipes.first(where: { $0.name == name }) else {
            throw ZooError(
                "there is no recipe called \(name)",
                advice: (nearestName(to: name, among: recipes.map(\.name)).map { "did you mean \($0)? " } ?? "")
                    + "`\(Tool.name) recipe list` shows all", kind: .usage)
        }
        let folder = output ?? "runs/\(recipe.name)\(quick ? "-quick" : "")"
        let commands = recipe.commands(isQuick: quick, output: folder).map(withCommonOptions)
        if json { return Console.print(description(recipe, commands)) }
        if dryRun {
            for command in commands { Console.print(Tool.line(command)) }
            return
        }
        for command in commands { try prepareData(command) }
        try RunFolder.makeDirectory(folder)
        for (index, command) in commands.enumerated() {
            let text = Tool.line(command)
            Console.writeError("[\(index + 1)/\(commands.count)] \(text)", .bold, "")
            let status = try perform(command)
            if status == ExitStatus.interrupted.code { throw ExitStatus.interrupted }
            guard status == 0 else {
                throw ZooError(
                    "command \(index + 1) of \(commands.count) failed: \(text)",
                    advice: "call the recipe again once that is put right: what is finished stays")
            }
        }
        if let report = commands.flatMap({ $0 }).last(where: { $0.hasSuffix(".html") }) {
            Console.writeError("see \(report)")
        } else {
            Console.writeError("see \(folder)")
        }
    }

    /// A command with those of --threads and --data-dir that it takes.
    private func withCommonOptions(_ command: [String]) -> [String] {
        let given = [("--threads", threads.map(String.init)), ("--data-dir", dataDir)]
        return given.reduce(command) { command, option in
            guard let value = option.1 else { return command }
            let longer = command + [option.0, value]
            return (try? ZooCommand.parseAsRoot(longer)) == nil ? command : longer
        }
    }

    /// Downloads the data that a command trains on, before anything has begun.
    private func prepareData(_ command: [String]) throws {
        if let training = try resumable(command) {
            try training.prepareData()
        } else if command.first == "sweep" {
            try SweepCommand.parse(Array(command.dropFirst())).prepareData()
        }
    }

    /// A command that trains into a folder of its own; nil for others.
    private func resumable(_ command: [String]) throws -> ResumableTraining? {
        guard command.first == "train", let option = command.firstIndex(of: "--run-dir"), option + 1 < command.count
        else { return nil }
        var arguments = Array(command.dropFirst())
        arguments.removeSubrange(option - 1...option)
        return try ResumableTraining(arguments: arguments, folder: command[option + 1])
    }

    /// Runs a command; its exit status. A training run with a folder goes on where it was.
    private func perform(_ command: [String]) throws -> Int32 {
        guard let training = try resumable(command) else { return ZooCommand.run(arguments: command) }
        switch try training.state() {
        case .finished:
            Console.writeError("\(training.folder): finished already, skipped")
            return 0
        case .unfinished(let step):
            Console.writeError("\(training.folder): resumes from step \(Formatting.grouped(step))")
        case .absent: break
        }
        return ExitStatus.code { if try training.train() == .interrupted { throw ExitStatus.interrupted } }
    }

    private func list(_ recipes: [Recipe]) {
        if json {
            let all = recipes.map { recipe in
                description(recipe, recipe.commands(isQuick: quick, output: output ?? "runs/\(recipe.name)"))
            }
            return Console.print(JSONValue.array(all))
        }
        var table = Table([("NAME", .left), ("TASK", .left), ("SUMMARY", .left)])
        for recipe in recipes { table.add([recipe.name, recipe.task, recipe.summary]) }
        for line in table.fittedLines { Console.print(line) }
    }

    private func description(_ recipe: Recipe, _ commands: [[String]]) -> JSONValue {
        [
            "name": recipe.name, "task": recipe.task, "summary": recipe.summary, "quick": quick,
            "commands": commands.map { JSONValue.array($0.map { JSONValue.string($0) }) },
        ]
    }
}

import ArgumentParser
import Datasets
import Glibc
import ModelKit
import Runs
import TensorCore

/// The command `zoo`.
public struct ZooCommand: ParsableCommand {
    // Computed, for the name may differ from call to call.
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Tool.name,
            abstract: "A model zoo of autoencoders and variational autoencoders.",
            version: ZooVersion.current,
            subcommands: [
                ListCommand.self, ShowCommand.self, ValidateCommand.self, NewCommand.self, TrainCommand.self,
                ExploreCommand.self, RunsCommand.self, EvaluateCommand.self, ScoreCommand.self, CardCommand.self,
                PretrainedCommand.self, SweepCommand.self, CompareCommand.self,
                RecipeCommand.self,
                BenchCommand.self, SampleCommand.self, RegionsCommand.self, ReconstructCommand.self,
                InterpolateCommand.self, TraverseCommand.self, ManifoldCommand.self, EmbedCommand.self,
                TraceCommand.self,
                ConvertCommand.self, DataCommand.self, SchemaCommand.self,
            ])
    }

    public init() {}

    /// Runs the command line with a registry, and ends the process: status 0 done, 1 failed, 2 wrong usage, 130
    /// interrupted.
    ///
    /// - Parameters:
    ///   - registry: the built-in and the trained models and what a plug-in adds; what it throws is shown.
    ///   - datasets: the built-in data sets and what a plug-in adds.
    ///   - recipes: what `zoo recipe` offers.
    public static func main(
        registry: @autoclosure () throws -> Registry, datasets: @autoclosure () throws -> DatasetCatalog = .builtIn,
        recipes: @autoclosure () throws -> [Recipe] = []
    ) -> Never {
        Tool.$name.withValue(Tool.nameOfProcess) { runProcess(registry, datasets, recipes) }
    }
}

extension ParsableCommand {
    /// Runs the process's command line and ends the process.
    static func runProcess(
        _ registry: () throws -> Registry, _ datasets: () throws -> DatasetCatalog,
        _ recipes: () throws -> [Recipe] = { [] }
    ) -> Never {
        do {
            TrainingProcess.followParent()
            Interruption.leaveQuitToTheSystem()
            Interruption.leaveFileSizesToCalls()
            try checkEncoding()
            let context = ZooContext(registry: try registry(), datasets: try datasets(), recipes: try recipes())
            let status = ZooContext.$current.withValue(context) {
                run(arguments: Array(CommandLine.arguments.dropFirst()))
            }
            if let problem = Console.outputProblem {
                Console.complain("the output is not complete: \(problem)")
                Glibc.exit(max(1, status))
            }
            Glibc.exit(status)
        } catch {
            Glibc.exit(ExitStatus.code { throw error })
        }
    }

    /// Text that is not UTF-8 would be repaired on the way in, and name another file than the one that was meant.
    ///
    /// - Throws: `ZooError` (wrong usage) for such an argument.
    private static func checkEncoding() throws {
        for number in 0..<Int(CommandLine.argc) {
            guard let bytes = CommandLine.unsafeArgv[number], String(validatingCString: bytes) == nil else { continue }
            throw ZooError(
                "argument \(number), \(String(cString: bytes)), is not UTF-8",
                advice: "give the file or folder a name in UTF-8, or a link with such a name", kind: .usage)
        }
    }

    /// Runs one command line; returns the exit status.
    package static func run(arguments: [String]) -> Int32 {
        do {
            try checkSubcommand(arguments[...], of: _commandName)
            var command = try parseAsRoot(try arguments.map(withPretrained))
            try ZooContext.$arguments.withValue(arguments) { try command.run() }
            return 0
        } catch {
            if let code = ExitStatus.code(of: error) { return code }
            let status = exitCode(for: error)
            if status == .success {
                Console.print(lines: fullMessage(for: error))
                return 0
            }
            Console.complain(misuse(error, arguments).description)
            return status == .validationFailure ? 2 : 1
        }
    }
}

extension ParsableCommand {
    /// An argument, or the value of an option, that names a trained model of the program, as the path of its checkpoint.
    ///
    /// Here and not where checkpoints are opened, so that no command can forget it.
    private static func withPretrained(_ argument: String) throws -> String {
        let pretrained = ZooContext.current.pretrained
        guard argument.hasPrefix("--"), let sign = argument.firstIndex(of: "=") else {
            return try pretrained.resolved(argument)
        }
        return try argument[...sign] + pretrained.resolved(String(argument[argument.index(after: sign)...]))
    }

    /// Finds a misspelt subcommand before the parser does, which would only call it unexpected.
    ///
    /// - Throws: `ZooError` (wrong usage) with the nearest name.
    private static func checkSubcommand(_ arguments: ArraySlice<String>, of path: String) throws {
        let children = configuration.subcommands
        guard !children.isEmpty, configuration.defaultSubcommand == nil, let name = arguments.first,
            !name.hasPrefix("-"), name != "help"
        else { return }
        let known = children.map { [$0._commandName] + $0.configuration.aliases }
        if let index = known.firstIndex(where: { $0.contains(name) }) {
            return try children[index].checkSubcommand(arguments.dropFirst(), of: "\(path) \(name)")
        }
        let near =
            children.lazy.compactMap { $0.path(ofSubcommand: name) }.first
            ?? nearestName(to: name, among: known.flatMap { $0 })
        throw ZooError(
            "\(path) has no command \(name)",
            advice: near.map { "did you mean \(path) \($0)?" } ?? "`\(path) --help` shows all commands", kind: .usage)
    }

    /// What calls a command of that name below this one: `convert inspect`.
    private static func path(ofSubcommand name: String) -> String? {
        for child in configuration.subcommands {
            if child._commandName == name { return "\(_commandName) \(name)" }
            if let path = child.path(ofSubcommand: name) { return "\(_commandName) \(path)" }
        }
        return nil
    }
}

/// An exit status for which everything has been said.
struct ExitStatus: Error {
    let code: Int32

    static let failed = ExitStatus(code: 1)
    static let interrupted = ExitStatus(code: 130)

    /// The status with which a command ends that does `work`; what goes wrong is told.
    static func code(of work: () throws -> Void) -> Int32 {
        do {
            try work()
            return 0
        } catch {
            if let code = code(of: error) { return code }
            Console.complain("\(error)")
            return 1
        }
    }

    /// The status with which a command ends that throws `error`, which is told; nil for errors that are not ours.
    static func code(of error: any Error) -> Int32? {
        switch error {
        case let status as ExitStatus: return status.code
        case let error as ZooError:
            Console.complain(error.commandLineDescription)
            return error.kind == .usage ? 2 : 1
        case let error as DefinitionError:
            Console.complain(error.description)
            return 1
        default: return nil
        }
    }
}

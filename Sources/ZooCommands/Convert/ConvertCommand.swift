import ArgumentParser
import Datasets
import ModelKit
import TensorCore

/// The group `zoo convert`: checkpoints to and from the files of other tools.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert", abstract: "Convert and examine checkpoints and the weights of other tools.",
        subcommands: subcommands)

    /// The commands of `zoo convert` and of `zoo-convert`.
    static let subcommands: [any ParsableCommand.Type] = [
        InspectCommand.self, LatentCommand.self, DiffCommand.self, VerifyCommand.self, SlimCommand.self,
        ExportCommand.self, ImportCommand.self,
    ]
}

/// The command `zoo-convert`: `zoo convert` as a program of its own.
public struct ZooConvertCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: Tool.ownConvert ?? "zoo-convert", abstract: ConvertCommand.configuration.abstract,
        version: ZooVersion.current,
        subcommands: ConvertCommand.subcommands)

    public init() {}

    /// Runs the command line with a registry, and ends the process, as `ZooCommand.main(registry:datasets:)`.
    public static func main(
        registry: @autoclosure () throws -> Registry, datasets: @autoclosure () throws -> DatasetCatalog = .builtIn
    ) -> Never {
        Tool.$ownConvert.withValue(Tool.nameOfProcess) { runProcess(registry, datasets) }
    }
}

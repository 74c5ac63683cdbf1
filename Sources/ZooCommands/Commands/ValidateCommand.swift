import ArgumentParser
import ModelKit
import TensorCore
import TextSupport

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check definition files: spelling, types, ranges, and that all shapes fit.",
        discussion: """
            All problems of all files are reported at once, each with its line and path. Exit status 1 if there are any.

              \(Tool.name) validate my-vae.yaml
              \(Tool.name) validate models/*.yaml --json
            """)

    @Argument(help: "Definition files.", completion: .file(extensions: ["yaml", "yml"]))
    var files: [String]

    @OptionGroup var models: ModelOptions

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        let registry = try models.registry()
        let checks = files.map { DefinitionCheck(file: $0, registry: registry) }
        let failed = checks.count { $0.problemCount > 0 }
        if json {
            Console.print(
                JSONValue.object([("ok", .boolean(failed == 0)), ("files", .array(checks.map(\.json)))]))
        } else {
            for check in checks {
                if let definition = check.definition {
                    Console.print("\(check.file): ok, \(definition.name), \(definition.summary)")
                    for warning in definition.warnings { Console.warn("\(check.file): \(warning)") }
                }
                for problem in check.problems { Console.writeError(lines: "\(problem)") }
                if let failure = check.failure { Console.writeError(lines: failure) }
            }
        }
        guard failed == 0 else {
            if !json {
                let count = checks.reduce(0) { $0 + $1.problemCount }
                Console.complain(
                    "\(count) \(count == 1 ? "problem" : "problems") in \(failed) of \(files.count) "
                        + (files.count == 1 ? "file" : "files"))
            }
            throw ExitStatus.failed
        }
    }
}

extension DefinitionCheck {
    fileprivate var json: JSONValue {
        var values = problems.map { problem in
            JSONValue.object([
                ("line", JSONValue(problem.line)), ("column", JSONValue(problem.column)),
                ("path", .string(problem.path)), ("message", .string(problem.message)),
            ])
        }
        if let failure {
            values.append(.object([("line", nil), ("column", nil), ("path", ""), ("message", .string(failure))]))
        }
        return .object([
            ("file", .string(file)), ("ok", .boolean(values.isEmpty)), ("model", JSONValue(definition?.name)),
            ("problems", .array(values)),
            (
                "warnings",
                .array(
                    (definition?.warnings ?? []).map {
                        .object([("path", .string($0.path)), ("message", .string($0.message))])
                    })
            ),
        ])
    }
}

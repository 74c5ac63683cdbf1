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
                ["ok": failed == 0, "files": checks.map(\.json)] as JSONValue)
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
            ["line": problem.line, "column": problem.column, "path": problem.path, "message": problem.message]
                as JSONValue
        }
        if let failure {
            values.append(
                ["line": JSONValue.null, "column": JSONValue.null, "path": "", "message": failure] as JSONValue)
        }
        return [
            "file": file, "ok": values.isEmpty, "model": definition?.name, "problems": values,
            "warnings": (definition?.warnings ?? []).map {
                ["path": $0.path, "message": $0.message] as JSONValue
            },
        ]
    }
}

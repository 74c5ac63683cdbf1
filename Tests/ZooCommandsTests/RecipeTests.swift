import ArgumentParser
import Foundation
import ModelKit
import TensorCore
import Testing
import ZooCommands
import ZooModels

/// Recipes: their files, and that running one does what it says.
@Suite struct RecipeTests {
    @Test(arguments: try ZooModels.recipes().map(\.name), [false, true])
    func everyCommandIsOne(name: String, isQuick: Bool) throws {
        let recipe = try #require(try ZooModels.recipes().first { $0.name == name })
        let folder = try TemporaryFolder()
        for command in recipe.commands(isQuick: isQuick, output: folder.path + "/out") {
            #expect(throws: Never.self, "\(command)") { _ = try ZooCommand.parseAsRoot(command) }
            #expect(!command.joined().contains("{output}") && !command.joined().contains("{epochs}"))
            // What `zoo sweep` hands on to `zoo train` is checked by itself; the other files are not there yet.
            if command[0] == "sweep" { #expect(try zoo(command + ["--dry-run"]).status == 0, "\(command)") }
            if command[0] == "train" { #expect(try zoo("show", command[1]).status == 0) }
        }
    }

    @Test func filesAndListAgree() throws {
        let names = try ZooModels.recipes().map(\.name)
        #expect(names == names.sorted())
        let list = try zoo("recipe", "list")
        #expect(list.lines.dropFirst().map { $0.split(separator: " ")[0] } == names.map { $0[...] })
        let objects = try #require(try zoo("recipe", "list", "--json").json() as? [[String: Any]])
        #expect(objects.map { $0["name"] as? String } == names)
        #expect(try zoo("recipe", "kl-weights", "--json").object()["task"] as? String == "D, second sweep")
    }

    private static let tiny = """
        format: zoo.recipe/1
        name: tiny
        summary: For tests
        task: none
        full: {steps: 4}
        quick: {steps: 2}
        commands:
          - train MODEL --steps {steps} --run-dir {output}/run --quiet
          - "compare {output}/run --output '{output}/a report.html'"
        """

    /// Threads and the folder of data go to the commands that take them, and to no others.
    @Test func threadsAndDataOfARecipe() throws {
        let commands = try zoo("recipe", "kl-weights", "--threads", "1", "--data-dir", "/data", "--dry-run").lines
        #expect(commands.count == 2)
        for command in commands {
            #expect(command.hasSuffix("--threads 1 --data-dir /data"), "\(command)")
        }
        let interpolation = try zoo("recipe", "interpolate-5-to-4", "--threads", "1", "--dry-run").lines
        #expect(interpolation.count == 2 && interpolation.allSatisfy { $0.contains("--threads 1") })
    }

    @Test func aRecipeRunsAndGoesOn() throws {
        let folder = try TemporaryFolder()
        let model = try folder.write(FewSprites.definition, "tiny.yaml")
        let recipe = try Recipe(text: Self.tiny.replacingOccurrences(of: "MODEL", with: model), source: "tiny")
        let run = { (arguments: [String]) in
            try zoo(
                ["recipe", "tiny", "--output", folder.path + "/out"] + arguments, datasets: FewSprites.catalog,
                recipes: [recipe])
        }
        let plan = try run(["--dry-run"])
        #expect(plan.lines.count == 2 && plan.lines[1].hasSuffix("'\(folder.path)/out/a report.html'"))
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/out"))

        let first = try run(["--quick"])
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.errors.contains("[1/2] zoo train") && first.errors.contains("[2/2] zoo compare"))
        #expect(try folder.text("out/a report.html").contains("zoo train"))
        #expect(try run(["--quick"]).errors.contains("finished already, skipped"))
        let full = try run([])
        #expect(full.status == 0 && full.errors.contains("resumes from step 2"))
        #expect(FileManager.default.fileExists(atPath: folder.path + "/out/run/checkpoints/step-0000000004.h5"))
    }

    @Test func aCommandThatFailsIsNamed() throws {
        let folder = try TemporaryFolder()
        let text = Self.tiny.replacingOccurrences(of: "MODEL", with: folder.path + "/nowhere.yaml")
        let result = try zoo(
            ["recipe", "tiny", "--output", folder.path + "/out"], recipes: [try Recipe(text: text, source: "tiny")])
        #expect(result.status == 1 && result.errors.contains("nowhere.yaml"))
    }

    @Test func badInput() throws {
        let unknown = try zoo("recipe", "kl-weight")
        #expect(unknown.status == 2 && unknown.errors.contains("did you mean kl-weights?"))
        let text = """
            format: zoo.recipe/2
            name: x
            full: {epochs: 1}
            quick: {steps: 1}
            commands: [{x: y}, "train a --epochs {epoch}"]
            """
        do {
            _ = try Recipe(text: text, source: "x.yaml")
            Issue.record("a wrong recipe was taken")
        } catch {
            let message = "\(error)"
            for part in ["x.yaml", "found zoo.recipe/2", "summary", "task", "not the same settings", "{epoch}"] {
                #expect(message.contains(part), "\(message)")
            }
        }
    }
}

import Foundation
import ModelKit
import Testing
import ZooModels

@Suite struct DefinitionCommandTests {
    @Test func validFilesAreOk() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(branchingDefinition, "branching.yaml")
        let result = try zoo("validate", file)
        #expect(result.status == 0)
        #expect(result.output == "\(file): ok, branching, A model whose backward pass branches\n")
        #expect(result.errors == "")
    }

    @Test func allProblemsOfAllFilesAreReported() throws {
        let folder = try TemporaryFolder()
        let good = try folder.write(branchingDefinition, "good.yaml")
        let bad = try folder.write(
            branchingDefinition.replacing("conv2d", with: "conv2").replacing("epochs: 1", with: "epochs: -1"),
            "bad.yaml")
        let missing = "\(folder.path)/missing.yaml"
        let result = try zoo("validate", bad, good, missing)
        #expect(result.status == 1)
        #expect(result.output.contains("\(good): ok"))
        #expect(result.errors.contains("\(bad):8:"))
        #expect(result.errors.contains("did you mean conv2d?"))
        #expect(result.errors.contains("must lie in 1…1000000, is -1"))
        #expect(result.errors.contains("\(missing): No such file or directory"))
        #expect(result.errors.contains("in 2 of 3 files"))

        let json = try zoo("validate", bad, good, "--json")
        #expect(json.status == 1)
        let object = try json.object()
        #expect(object["ok"] as? Bool == false)
        let files = try #require(object["files"] as? [[String: Any]])
        #expect(files.map { $0["ok"] as? Bool } == [false, true])
        let problems = try #require(files.first?["problems"] as? [[String: Any]])
        #expect(problems.contains { $0["line"] as? Int == 8 })
    }

    @Test func newKeepsCommentsAndReadsWell() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/mine.yaml"
        let result = try zoo("new", "my-vae", "--from", "worked-vae", "--output", path)
        #expect(result.status == 0)
        #expect(result.output == path + "\n")
        #expect(result.errors.contains("zoo train \(path)"))
        let text = try folder.text("mine.yaml")
        let original = try #require(ZooModels.sources.first { $0.name == "worked-vae" }).text
        let changed = zip(text.split(separator: "\n"), original.split(separator: "\n")).filter { $0 != $1 }
        #expect(
            changed.map { $0.0 } == [
                "name: my-vae",
                "summary: \"From worked-vae: A VAE small enough to work by hand, 2-3-1-3-2, with fixed weights\"",
            ])
        #expect(try zoo("validate", path).status == 0)
        #expect(try zoo("list", "my-vae", "-q", "--zoo", folder.path).lines == ["my-vae"])
    }

    @Test func newRefusesToOverwrite() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("mine", "mine.yaml")
        let result = try zoo("new", "my-vae", "--from", "worked-vae", "--output", path)
        #expect(result.status == 2)
        #expect(result.errors.contains("\(path) exists already"))
        #expect(try folder.text("mine.yaml") == "mine")
    }

    @Test func newRefusesBadNamesAndPlaces() throws {
        let folder = try TemporaryFolder()
        #expect(try zoo("new", "My VAE", "--from", "worked-vae").status == 2)
        let taken = try zoo("new", "conv-vae-mnist", "--from", "worked-vae", "--output", "\(folder.path)/a.yaml")
        #expect(taken.errors.contains("there is a model called conv-vae-mnist already"))
        let place = try zoo("new", "my-vae", "--from", "worked-vae", "--output", "\(folder.path)/no/a.yaml")
        #expect(place.status == 1)
        #expect(place.errors.contains("\(folder.path)/no/a.yaml was not saved"))
        #expect(place.errors.contains("No such file or directory"))
        let model = try zoo("new", "my-vae", "--from", "worked-va", "--output", "\(folder.path)/a.yaml")
        #expect(model.status == 2)
        #expect(model.errors.contains("did you mean worked-vae?"))
    }

    @Test func newCopiesFlowStyleToo() throws {
        let folder = try TemporaryFolder()
        let original = try #require(ZooModels.sources.first { $0.name == "worked-autoencoder" }).text
        let registry = try ZooModels.registry()
        let flow = try ModelDefinition(
            text: original, source: "", overrides: [DefinitionOverride(path: ["name"], value: "flow")],
            registry: registry
        ).text.replacing("name: flow\n", with: "\"name\": flow\n")
        let source = try folder.write(flow, "flow.yaml")
        #expect(try zoo("new", "mine", "--from", source, "--output", "\(folder.path)/mine.yaml").status == 0)
        let copy = try ModelDefinition(text: try folder.text("mine.yaml"), source: "", registry: registry)
        #expect(copy.name == "mine")
        #expect(copy.summary.hasPrefix("From flow: "))
    }

    @Test func schemaIsJSON() throws {
        let schema = try zoo("schema").object()
        #expect((schema["$schema"] as? String)?.contains("2020-12") == true)
    }
}

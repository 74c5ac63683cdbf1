import Datasets
import FileSupport
import Foundation
import ModelKit
import TensorCore
import Testing

@Suite(.serialized) struct DataTests {
    private let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    /// The built-in data sets and one of a single small file.
    private func catalog(checksum: Checksum? = nil, file: String = "images.bin") throws -> DatasetCatalog {
        let file = DatasetFile(
            name: file, baseURL: "http://publisher.invalid/", byteCount: content.count,
            checksum: checksum ?? .sha256(SHA256.hexadecimal(SHA256.digest(content))))
        return try DatasetCatalog.builtIn.adding(
            DatasetDescriptor(
                info: DatasetInfo(
                    name: "tiny", title: "Tiny", summary: "One file.", license: "none", source: "nowhere",
                    shape: [1, 64, 64]),
                files: [file],
                locate: { options in
                    let path = "\(options.dataDirectory ?? "")/tiny/\(file.name)"
                    guard FileManager.default.fileExists(atPath: path) else { throw ZooError("no \(path)") }
                    return [LocatedFile(path: path, published: file)]
                }, open: { _ in Sprites() }))
    }

    @Test func listSaysWhatIsWhere() throws {
        let folder = try TemporaryFolder()
        let result = try zoo("data", "list", "--data-dir", folder.path, datasets: try catalog())
        #expect(result.status == 0)
        #expect(
            result.lines.contains { $0.hasPrefix("sprites ") && $0.contains("737,280") && $0.contains("generated") })
        #expect(
            result.lines.contains {
                $0.hasPrefix("tiny ") && $0.contains("missing") && $0.contains("zoo data get tiny")
            })
        #expect(result.lines.last?.hasPrefix("Looked in: \(folder.path)") == true)
        let json = try #require(
            try zoo("data", "list", "--json", "--data-dir", folder.path, datasets: try catalog()).json()
                as? [[String: Any]])
        #expect(json.first { $0["name"] as? String == "tiny" }?["state"] as? String == "missing")
    }

    /// In a process of its own, for the cache is where the environment says.
    @Test func theCacheIsListedAndCleared() throws {
        let folder = try TemporaryFolder()
        let unpacked = folder.path + "/cache/zoo/data/unpacked"
        try FileManager.default.createDirectory(atPath: unpacked, withIntermediateDirectories: true)
        try folder.write("12345", "cache/zoo/data/unpacked/0123456789abcdef-3dshapes.h5.array")
        let small = try SmallRun()
        let place = ["/usr/bin/env", "XDG_CACHE_HOME=\(folder.path)/cache"]
        let trained = try ZooProcess(
            small.begin("run", SmallRun.definition(epochs: 1), ["--dry-run"]), wrapper: place
        ).finish()
        #expect(trained.status == 0, "\(trained.errors)")
        func run(_ command: String) throws -> String {
            let script = "exec \"$@\" > '\(folder.path)/output'"
            let ended = try ZooProcess(
                ["data", "cache"] + command.split(separator: " ").map(String.init),
                wrapper: place + ["/bin/bash", "-c", script, "bash"]
            ).finish()
            #expect(ended.status == 0, "\(ended.errors)")
            return try folder.text("output")
        }
        let list = try run("list")
        #expect(list.contains("array") && list.contains("3dshapes.h5") && list.contains("pictures"), "\(list)")
        #expect(list.contains("40") && list.contains(small.pictures), "\(list)")
        let entries = try JSONSerialization.jsonObject(with: Data(run("list --json").utf8)) as? [[String: Any]]
        #expect(Set((entries ?? []).compactMap { $0["kind"] as? String }) == ["array", "pictures"])
        #expect(try run("clear").hasPrefix("removed 2 entries"))
        #expect(try run("list --json").contains("[]"))
    }

    @Test func infoHasFactorsAndFiles() throws {
        let result = try zoo("data", "info", "dsprites")
        #expect(result.status == 0)
        #expect(result.lines.contains { $0.hasPrefix("orientation") && $0.contains("40") && $0.contains("0 … 6.283") })
        let factors = try #require(
            try zoo("data", "info", "dsprites", "--json").object()["factors"] as? [[String: Any]])
        #expect(factors.contains { $0["value_names"] as? [String] == ["square", "ellipse", "heart"] })
        let mnist = try zoo("data", "info", "mnist", "--json").object()
        #expect(mnist["images"] as? Int == 70_000)
        #expect((mnist["files"] as? [[String: Any]])?.count == 4)
        #expect(mnist["shape"] as? [Int] == [1, 28, 28])
    }

    @Test func unknownDataSets() throws {
        for command in ["info", "get", "verify"] {
            let result = try zoo("data", command, "mnits")
            #expect(result.status == 2)
            #expect(result.errors.contains("there is no data set 'mnits'"))
            #expect(result.errors.contains("Did you mean 'mnist'?"))
        }
    }

    @Test func missingDataNamesThePlaces() throws {
        let folder = try TemporaryFolder()
        let result = try zoo("data", "verify", "celeba", "--data-dir", folder.path)
        #expect(result.status == 1)
        #expect(result.errors.contains("the data set celeba was not found: missing img_align_celeba/"))
        #expect(result.errors.contains("  \(folder.path)/celeba\n"))
        let trace = try zoo("trace", "conv-vae-celeba", "--index", "0", "--data-dir", folder.path)
        #expect(trace.status == 1)
        #expect(trace.errors.contains("  \(folder.path)/celeba\n"))
    }

    @Test func getDownloadsAndVerifyAgrees() throws {
        let folder = try TemporaryFolder()
        let server = try LoopbackServer(["/images.bin": content])
        defer { server.stop() }
        let catalog = try catalog()
        let result = try zoo(
            "data", "get", "tiny", "--data-dir", folder.path, "--base-url", server.baseURL, datasets: catalog)
        #expect(result.status == 0)
        #expect(result.output == "\(folder.path)/tiny/images.bin\n")
        #expect(result.errors.contains("images.bin  200.0 kB of 200.0 kB"))
        let stored = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/tiny/images.bin"))
        #expect(Array(stored) == content)

        let verified = try zoo("data", "verify", "tiny", "--data-dir", folder.path, "--json", datasets: catalog)
        #expect(verified.status == 0)
        let files = try #require(try verified.object()["files"] as? [[String: Any]])
        #expect(files.map { $0["bytes"] as? Int } == [200_000])
        #expect(files.map { $0["checksum"] as? String } == ["matches"])
        #expect(try verified.object()["images"] as? Int == 737_280)

        // Nothing is fetched again.
        let again = try zoo(
            "data", "get", "tiny", "--data-dir", folder.path, "--base-url", "http://127.0.0.1:1", "--json",
            datasets: catalog)
        #expect(again.status == 0)
        #expect((try again.object()["files"] as? [String]) == ["\(folder.path)/tiny/images.bin"])
    }

    @Test func aWrongChecksumIsRefused() throws {
        let folder = try TemporaryFolder()
        let server = try LoopbackServer(["/images.bin": content])
        defer { server.stop() }
        let result = try zoo(
            "data", "get", "tiny", "--data-dir", folder.path, "--base-url", server.baseURL, "--quiet",
            datasets: try catalog(checksum: .sha256(String(repeating: "0", count: 64))))
        #expect(result.status == 1)
        #expect(result.output == "")
        #expect(result.errors.contains("has the wrong checksum: SHA-256 000"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/tiny").isEmpty)
    }

    @Test func aMissingFileAndADeadServerAreSaid() throws {
        let folder = try TemporaryFolder()
        let server = try LoopbackServer([:])
        let missing = try zoo(
            "data", "get", "tiny", "--data-dir", folder.path, "--base-url", server.baseURL, datasets: try catalog())
        server.stop()
        #expect(missing.status == 1)
        #expect(missing.errors.contains("HTTP status 404 (not found) for \(server.baseURL)/images.bin"))
        let dead = try zoo(
            "data", "get", "tiny", "--data-dir", folder.path, "--base-url", "http://127.0.0.1:1",
            datasets: try catalog())
        #expect(dead.status == 1)
        #expect(dead.errors.contains("the connection for http://127.0.0.1:1/images.bin failed"), "\(dead.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/tiny").isEmpty, "no empty part")
    }

    @Test func dataToBeFetchedByHandSaysWhere() throws {
        let folder = try TemporaryFolder()
        let result = try zoo("data", "get", "celeba", "--data-dir", folder.path)
        #expect(result.status == 1)
        #expect(result.errors.contains("  \(folder.path)/celeba\n"), "\(result.errors)")
        #expect(result.errors.contains("take img_align_celeba.zip"))
        try FileManager.default.createDirectory(
            atPath: folder.path + "/celeba/img_align_celeba", withIntermediateDirectories: true)
        let present = try zoo("data", "get", "celeba", "--data-dir", folder.path)
        #expect(present.output == "\(folder.path)/celeba/img_align_celeba\n", "\(present.errors)")
    }

    /// `--data-dir` keeps it from being downloaded.
    @Test func missingDataIsSaidOnceBeforeAnythingStarts() throws {
        let folder = try TemporaryFolder()
        let catalog = try catalog()
        let model = try folder.write(
            FewSprites.definition.replacing("dataset: few-sprites", with: "dataset: tiny"), "model.yaml")
        let place = ["--data-dir", folder.path]
        let missing = "no \(folder.path)/tiny/images.bin"
        func count(_ text: String, in errors: String) -> Int { errors.components(separatedBy: text).count - 1 }

        let train = try zoo(
            ["train", model, "--steps", "1", "--run-dir", folder.path + "/run"] + place, datasets: catalog)
        #expect(train.status == 1 && count(missing, in: train.errors) == 1, "\(train.errors)")
        #expect(count("`zoo data get tiny` downloads it", in: train.errors) == 1)
        #expect(train.errors.contains("generated images of the same shape need no files: --dataset sprites"))

        let output = folder.path + "/output"
        let sweep = try zoo(
            ["sweep", model, "--vary", "objective.kl.weight=1,5", "--output", output] + place, datasets: catalog)
        #expect(sweep.status == 1 && count(missing, in: sweep.errors) == 1, "\(sweep.errors)")
        #expect(!FileManager.default.fileExists(atPath: output))

        let text = """
            format: zoo.recipe/1
            name: both
            summary: For tests
            task: none
            commands:
              - train \(model) --dataset sprites --steps 1 --run-dir {output}/first --quiet
              - train \(model) --steps 1 --run-dir {output}/second --data-dir \(folder.path)
              - sweep \(model) --vary latent.size=2,3 --output {output}/third --data-dir \(folder.path)
            """
        let recipe = try zoo(
            ["recipe", "both", "--output", output], datasets: catalog, recipes: [try Recipe(text: text, source: "both")]
        )
        #expect(recipe.status == 1 && count(missing, in: recipe.errors) == 1, "\(recipe.errors)")
        #expect(!recipe.errors.contains("[1/3]") && !FileManager.default.fileExists(atPath: output))
    }

    /// A process, because the cache that a download would go to is named by the environment.
    @Test func aDryRunDownloadsNothing() throws {
        let folder = try TemporaryFolder()
        let environment = [
            "/usr/bin/env", "-u", "ZOO_DATA", "XDG_CACHE_HOME=\(folder.path)", "https_proxy=http://127.0.0.1:1",
        ]
        let dry = try ZooProcess(["train", "conv-vae-cifar", "--dry-run"], wrapper: environment).finish()
        #expect(dry.status == 0)
        #expect(dry.errors.contains("training would first download 170.05 MB from https://"), "\(dry.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        let run = try ZooProcess(
            ["train", "conv-vae-cifar", "--steps", "1", "--run-dir", folder.path + "/run"], wrapper: environment
        ).finish()
        #expect(run.status == 1)
        #expect(run.errors.contains("downloading it failed: the connection for https://"), "\(run.errors)")
        #expect(run.errors.contains("--dataset color-sprites"))
        #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.path).allSatisfy { !$0.hasSuffix(".part") })
    }

    @Test func generatedDataNeedsNoGetting() throws {
        let result = try zoo("data", "get", "sprites", "--data-dir", "/nowhere")
        #expect(result.status == 2)
        #expect(result.errors.contains("there is nothing to download"))
        let verified = try zoo("data", "verify", "sprites")
        #expect(verified.output == "sprites: readable, 737,280 images, generated, no files\n")
    }
}

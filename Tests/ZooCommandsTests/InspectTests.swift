import Checkpoints
import FileSupport
import Foundation
import TensorCore
import TestSupport
import Testing

/// `zoo convert inspect`, `latent`, `diff`, `slim` and `verify`.
@Suite struct InspectTests {
    private func convert(_ arguments: [String]) throws -> CommandResult {
        try zoo(["convert"] + arguments, datasets: try Bars.catalog())
    }

    /// A checkpoint made by hand, whose names would move a terminal's cursor.
    private func hostile() -> Checkpoint {
        let escape = "\u{1B}[2J\u{9B}\u{202E}"
        var checkpoint = Checkpoint(
            definition: "name: x\n", model: "model\(escape)", family: "vae\(escape)",
            parameters: [
                NamedTensor(path: "encoder.fc.weight", shape: [2, 2], values: [1, .nan, 0, -2]),
                NamedTensor(path: "empty\u{9B}.weight", shape: [0, 3], values: []),
                NamedTensor(path: "scale", shape: [], values: [3]),
            ])
        checkpoint.provenance = ["notes": "line\n\(escape)"]
        checkpoint.metrics = "not JSON\n{\"epoch\":1}\n"
        checkpoint.latentStatistics = LatentStatistics(
            meanOfMean: [.nan, 0], varianceOfMean: [1, .infinity], meanVariance: [1, 1], kl: [0, .nan],
            active: [true, true], imageCount: 3, split: "test\(escape)", dataset: escape,
            covariance: [1, 0, 0, .infinity], factors: [escape], mutualInformation: [.nan, 1])
        return checkpoint
    }

    @Test func aTrainedCheckpoint() throws {
        let model = try TinyModel()
        let text = try convert(["inspect", model.run])
        #expect(text.status == 0, "\(text.errors)")
        for expected in [
            "tiny (vae)", "checkpoint, version", "full", "yes: zoo train --resume", "encoder.fc1.weight", "16 × 64",
            "bars", "epoch", "3 dimensions",
        ] {
            #expect(text.output.contains(expected), "\(expected) in \(text.output)")
        }
        let all = try convert(["inspect", model.run, "--tree", "--weights", "--latent", "--history"])
        #expect(all.status == 0, "\(all.errors)")
        for expected in [
            "├─ encoder", "└─", "optimizer", "SPECTRAL", "STABLE RANK", "STRONGEST FACTOR", "KL (NATS)",
            "effective dimensions", "40 test images of bars", "EPOCH",
        ] {
            #expect(all.output.contains(expected), "\(expected) in \(all.output)")
        }
    }

    @Test func theKeysOfTheJSON() throws {
        let model = try TinyModel()
        let object = try convert(["inspect", model.run, "--json", "--weights", "--latent", "--history"]).object()
        #expect(
            Set(object.keys) == [
                "format", "path", "bytes", "file_format", "checkpoint", "tensors", "metadata", "notes", "latent",
                "scores", "history",
            ])
        let schema = try Self.schema()
        #expect(Set(object.keys) == Set(schema["required"] as? [String] ?? []))
        let checkpoint = try #require(object["checkpoint"] as? [String: Any])
        let definitions = try #require(schema["$defs"] as? [String: [String: Any]])
        for (name, value) in [
            ("checkpoint", checkpoint), ("latent", try #require(object["latent"] as? [String: Any])),
            ("tensor", try #require((object["tensors"] as? [[String: Any]])?.first)),
        ] {
            let required = try #require(definitions[name]?["required"] as? [String])
            #expect(Set(value.keys) == Set(required), "\(name)")
        }
        #expect(checkpoint["resumable"] as? Bool == true)
        let latent = try #require(object["latent"] as? [String: Any])
        #expect((latent["factors"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == ["width", "place"])
        #expect(latent["images"] as? Int == 40)
        #expect((object["history"] as? [Any])?.count == 1)
        let tensors = try #require(object["tensors"] as? [[String: Any]])
        let weight = try #require(tensors.first { $0["path"] as? String == "encoder.fc1.weight" })
        #expect(weight["shape"] as? [Int] == [16, 64] && weight["values"] as? Int == 1024)
        let statistics = try #require(weight["statistics"] as? [String: Any])
        #expect((statistics["spectral_norm"] as? Double ?? 0) > 0)
        let header = try convert(["inspect", model.run, "--json"]).object()
        #expect(header["history"] is NSNull)
        #expect((header["tensors"] as? [[String: Any]])?.allSatisfy { $0["statistics"] is NSNull } == true)
    }

    @Test func controlCharactersAreEscaped() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/x.h5"
        try hostile().write(to: path)
        let result = try convert(["inspect", path, "--tree", "--weights", "--latent"])
        #expect(result.status == 0, "\(result.errors)")
        let shown = result.output + result.errors
        #expect(shown.contains("\\u{1B}"))
        for scalar in shown.unicodeScalars where scalar != "\n" {
            #expect(scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) && scalar.value != 0x202E)
        }
        let json = try convert(["inspect", path, "--json", "--weights", "--latent", "--history"])
        #expect(!json.output.unicodeScalars.contains { (0x7F...0x9F).contains($0.value) })
        #expect(
            (try json.object()["checkpoint"] as? [String: Any])?["model"] as? String == "model\u{1B}[2J\u{9B}\u{202E}")
        let page = folder.path + "/x.html"
        #expect(try convert(["inspect", path, "--html", page]).status == 0)
        #expect(try convert(["inspect", path, "--history"]).status == 1)
    }

    @Test func damagedValuesAreNamedAndTheRestIsShown() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/x.h5"
        var bytes = try hostile().encoded()
        let place = try #require(bytes.firstRange(of: [0, 0, 0, 0xC0]))  // the last weight, −2
        bytes[place.lowerBound] = 1
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(try convert(["inspect", path]).status == 0)
        let result = try convert(["inspect", path, "--weights"])
        #expect(result.status == 0)
        #expect(result.errors.contains("encoder.fc.weight is damaged"), "\(result.errors)")
        let verified = try convert(["verify", path])
        #expect(verified.status == 1)
        #expect(verified.errors.contains("encoder/fc/weight does not match its SHA-256"), "\(verified.errors)")
        #expect(verified.errors.contains("the SHA-256 of the file does not match"), "\(verified.errors)")
    }

    @Test func verifyNamesEveryFile() throws {
        let folder = try TemporaryFolder()
        let (good, cut, none) = (folder.path + "/good.h5", folder.path + "/cut.h5", folder.path + "/none.h5")
        try hostile().write(to: good)
        let bytes = try hostile().encoded()
        try Data(bytes.dropLast(40)).write(to: URL(fileURLWithPath: cut))
        #expect(try convert(["verify", good]).status == 0)
        let model = try TinyModel()
        #expect(try convert(["verify", model.run]).lines.count == 2)
        #expect(
            try convert(["verify", folder.path]).errors.contains("is no run: it has neither run.json nor checkpoints"))
        let result = try convert(["verify", good, cut, none, "--json"])
        #expect(result.status == 1)
        #expect(result.errors.contains("cut.h5: the 40 bytes") && result.errors.contains("none.h5"))
        let files = try #require(try result.object()["files"] as? [[String: Any]])
        #expect(files.map { $0["intact"] as? Bool } == [true, false, false])
        #expect((files[0]["tensors"] as? [Any])?.isEmpty == false)
    }

    @Test func slimHoldsTheSameWeights() throws {
        let model = try TinyModel()
        let slim = model.folder.path + "/slim.h5"
        let result = try convert(["slim", model.run, "--output", slim])
        #expect(result.status == 0 && result.output == slim + "\n", "\(result.errors)")
        let before = try Checkpoint.read(from: model.run + "/checkpoints/best.h5")
        let after = try Checkpoint.read(from: slim)
        #expect(after.parameters == before.parameters && after.definition == before.definition)
        #expect(after.latentStatistics == before.latentStatistics && after.latentStatistics != nil)
        #expect(after.optimizer.isEmpty && after.progress == nil)
        let inspected = try convert(["inspect", slim, "--json"]).object()
        #expect((inspected["checkpoint"] as? [String: Any])?["kind"] as? String == "slim")
        #expect(try convert(["slim", model.run, "--output", slim]).status == 2)
        #expect(try convert(["slim", model.run, "--output", slim, "--force"]).status == 0)
        #expect(try convert(["diff", model.run, slim]).status == 0)
    }

    @Test func statisticsOfAnotherSplitAreStoredInACopy() throws {
        let model = try TinyModel()
        let copy = model.folder.path + "/copy.h5"
        let result = try convert(["latent", model.run, "--split", "train", "--store", copy, "--json"])
        #expect(result.status == 0, "\(result.errors)")
        let latent = try #require(try result.object()["latent"] as? [String: Any])
        #expect(latent["images"] as? Int == 80 && latent["split"] as? String == "train")
        #expect((latent["covariance"] as? [[Double]])?.count == 3)
        let stored = try Checkpoint.read(from: copy)
        #expect(stored.latentStatistics?.imageCount == 80 && stored.latentStatistics?.dataset == "bars")
        #expect(stored.progress != nil)
        let unknown = try convert(["latent", model.run, "--dataset", "plain-bars", "--count", "10", "--json"])
        let plain = try #require(try unknown.object()["latent"] as? [String: Any])
        #expect(plain["images"] as? Int == 10 && plain["dataset"] as? String == "plain-bars")
        #expect((plain["factors"] as? [Any])?.isEmpty == true)
    }

    @Test func trainingStoresWhatLatentComputes() throws {
        let model = try TinyModel()
        let stored = try #require(try Checkpoint.read(from: model.run + "/checkpoints/best.h5").latentStatistics)
        let storedKL = stored.kl.reduce(0, +)
        let result = try convert(["latent", model.run, "--json"])
        let latent = try #require(try result.object()["latent"] as? [String: Any])
        let latentKL = try #require(latent["kl"] as? Double)
        #expect(abs(latentKL - storedKL) < 1e-12)
        let evaluation = try zoo(["evaluate", model.run, "--json"], datasets: try Bars.catalog()).object()
        let kl = try #require(evaluation["kl"] as? Double)
        #expect(abs(storedKL - kl) < 1e-4 * max(1, kl))
        let summary = try #require(evaluation["stored_latent"] as? [String: Any])
        let summaryKL = try #require(summary["kl"] as? Double)
        #expect(abs(summaryKL - storedKL) < 1e-12)
        #expect(summary["images"] as? Int == 40)
        #expect(summary["split"] as? String == "test" && summary["dataset"] as? String == "bars")
        var bare = try Checkpoint.read(from: model.run + "/checkpoints/best.h5")
        bare.latentStatistics = nil
        try bare.write(to: model.folder.path + "/bare.h5")
        let none = try zoo(["evaluate", model.folder.path + "/bare.h5", "--json"], datasets: try Bars.catalog())
        #expect(try none.object()["stored_latent"] is NSNull)
    }

    @Test func aPlainAutoencoderHasStatisticsOfItsCode() throws {
        let model = try TinyModel(isVariational: false)
        let result = try convert(["inspect", model.run, "--latent"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(!result.output.contains("KL (NATS)") && result.output.contains("variance of the code"))
    }

    @Test func differencesAreShown() throws {
        let folder = try TemporaryFolder()
        let (a, b) = (folder.path + "/a.h5", folder.path + "/b.h5")
        var checkpoint = hostile()
        try checkpoint.write(to: a)
        #expect(try convert(["diff", a, a]).status == 0)
        checkpoint.definition = "name: y\n"
        checkpoint.parameters[0].values = [2, 0, 0, -2]
        checkpoint.parameters[1] = NamedTensor(path: "other", shape: [1], values: [1])
        checkpoint.parameters[2] = NamedTensor(path: "scale", shape: [1], values: [3])
        try checkpoint.write(to: b)
        let result = try convert(["diff", a, b])
        #expect(result.status == 1)
        for expected in ["- name: x", "+ name: y", "only in the first", "only in the second", "scalar and 1"] {
            #expect(result.output.contains(expected), "\(expected) in \(result.output)")
        }
        let object = try convert(["diff", a, b, "--json"]).object()
        #expect(object["same"] as? Bool == false)
        #expect(try convert(["diff", a, folder.path + "/none.h5"]).status == 2)
    }

    @Test func filesOfOtherTools() throws {
        let model = try TinyModel()
        let exported = model.folder.path + "/x.safetensors"
        #expect(try convert(["export", model.run, "--to", "safetensors", "--output", exported]).status == 0)
        let result = try convert(["inspect", exported, "--weights"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("safetensors") && result.output.contains("encoder.fc1.weight"))
        let object = try convert(["inspect", exported, "--json"]).object()
        #expect(object["file_format"] as? String == "safetensors" && object["checkpoint"] is NSNull)
        #expect(try convert(["diff", model.run, exported]).status == 0)
        #expect(try convert(["inspect", exported, "--latent"]).status == 1)
    }

    @Test(arguments: [
        (["inspect", "/none.h5"], 1, "/none.h5"), (["inspect", "/dev/null"], 1, "no regular file"),
        (["verify", "/none.h5"], 1, "/none.h5"), (["latent", "/none.h5"], 1, "/none.h5"),
        (["inspect"], 2, "missing expected argument"),
        (["latent", "x.h5", "--count", "0"], 2, "--count must be at least 1"),
    ])
    func badInput(arguments: [String], status: Int32, message: String) throws {
        let result = try convert(arguments)
        #expect(result.status == status, "\(result.errors)")
        #expect(result.errors.contains(message), "\(result.errors)")
    }

    @Test func aPickleIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/model.pt"
        try Data([0x80, 0x02, 0x7D]).write(to: URL(fileURLWithPath: path))
        let result = try convert(["inspect", path])
        #expect(result.status == 1 && result.errors.contains("pickle"), "\(result.errors)")
    }

    @Test func thePageHoldsEverything() throws {
        let model = try TinyModel()
        let page = model.folder.path + "/x.html"
        let result = try convert(["inspect", model.run, "--html", page])
        #expect(result.status == 0 && result.output.isEmpty, "\(result.errors)")
        let text = try String(contentsOfFile: page, encoding: .utf8)
        for expected in [
            "Latent space", "encoder.fc1.weight", "data:image/svg+xml", "Definition", "Weights", "Training",
        ] {
            #expect(text.contains(expected), "\(expected)")
        }
        #expect(try convert(["inspect", model.run, "--html", model.folder.path + "/x.txt"]).status == 2)
    }

    /// JSON Schema's own judge, in Python.
    @Test(.enabled(if: Judge.python != nil))
    func theSchemaDescribesRealOutput() throws {
        let model = try TinyModel()
        let hostilePath = model.folder.path + "/hostile.h5"
        try hostile().write(to: hostilePath)
        let exported = model.folder.path + "/x.safetensors"
        #expect(try convert(["export", model.run, "--to", "safetensors", "--output", exported]).status == 0)
        let flags = ["--weights", "--latent", "--history"]
        var outputs: [String] = []
        for (index, path) in [model.run, hostilePath, exported].enumerated() {
            for arguments in [[], flags] {
                let output = try convert(["inspect", path, "--json"] + arguments).output
                outputs.append(try model.folder.write(output, "\(index)-\(arguments.count).json"))
            }
        }
        let script = """
            import json, jsonschema, sys
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft202012Validator.check_schema(schema)
            for path in sys.argv[2:]:
                value = json.load(open(path))
                jsonschema.validate(value, schema)
                value["surplus"] = 1
                try: jsonschema.validate(value, schema)
                except jsonschema.ValidationError: continue
                raise SystemExit("a surplus key passed")
            """
        _ = try Judge.run(Judge.python, ["-c", script, Self.schemaPath] + outputs)
    }

    private static let schemaPath = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../schemas/checkpoint.schema.json").standardizedFileURL.path

    private static func schema() throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: schemaPath))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
}

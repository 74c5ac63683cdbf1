import Checkpoints
import Foundation
import ImageFiles
import Interchange
import ModelKit
import TensorCore
import TestSupport
import Testing

/// Numbers of one's own through all commands: vectors, points, images of many channels.
@Suite struct OwnDataTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func run(_ arguments: String...) throws -> CommandResult {
        let result = try zoo(arguments)
        #expect(result.status == 0, "\(arguments.joined(separator: " ")): \(result.errors)")
        return result
    }

    /// A table of three groups of vectors, in units far from 0…1.
    private func table() throws -> String {
        var text = "height,weight,age,kind\n"
        for index in 0..<300 {
            let kind = index % 3
            let noise = Double(index * 37 % 101) / 101
            text += "\(1500 + 100 * Double(kind) + 20 * noise),\(50 + 10 * Double(kind) - noise),\(index % 50),"
            text += "\(["ant", "bee", "cat"][kind])\n"
        }
        return try folder.write(text, "people.csv")
    }

    /// One command trains on a table; the scaling is in the checkpoint, and what comes out is in the units of the table.
    @Test func aTableInEveryCommand() throws {
        let file = try table()
        let path = folder.path + "/run"
        let data = ["--array", file, "--labels", "kind"]
        let trained = try run(
            "train", "mlp-vae-points", "--array", file, "--labels", "kind", "--epochs", "30", "--batch-size", "16",
            "--run-dir", path)
        #expect(trained.errors.contains("array: rows [3], standardised per feature"), "\(trained.errors)")
        #expect(trained.errors.contains("array: 270 train, 30 test vectors"))
        let checkpoint = try Checkpoint.read(from: path + "/checkpoints/best.h5")
        let scaling = try #require(checkpoint.scaling)
        #expect(scaling.method == .standard && abs(scaling.offsets[0] - 1610) < 20)
        #expect(checkpoint.provenance["preprocessing"] == "standardised per feature")
        for kind in ["samples", "reconstructions", "traversal"] {
            #expect(try isPicture(path + "/pictures/\(kind)-epoch-0030.png"))
        }

        let samples = folder.path + "/samples.csv"
        _ = try run("sample", path, "--count", "40", "--output", samples, "--output", folder.path + "/samples.png")
        let lines = try folder.text("samples.csv").split(separator: "\n")
        #expect(lines[0] == "sample_0,sample_1,sample_2" && lines.count == 41)
        let heights = lines.dropFirst().compactMap { Double($0.split(separator: ",")[0]) }
        #expect(heights.count == 40 && heights.allSatisfy { (1300...1900).contains($0) }, "\(heights)")

        _ = try zooOK(["reconstruct", path, "--count", "30"] + data + ["--output", folder.path + "/r.npz"])
        let arrays = try ForeignFile(path: folder.path + "/r.npz")
        #expect(arrays.tensors.map(\.name).sorted() == ["data", "reconstruction"])
        let pairs = try (arrays.tensors[0].floats(), arrays.tensors[1].floats())
        let isNear = zip(pairs.0, pairs.1).allSatisfy { abs($0 - $1) < 150 }
        #expect(isNear)
        for (command, output) in [
            (["reconstruct", path, "--count", "30"], "r.png"), (["embed", path, "--count", "30"], "e.png"),
            (["traverse", path], "t.svg"), (["interpolate", path, "--between", "1", "2"], "i.png"),
            (["regions", path, "--count", "20"], "g.png"), (["latent", path], ""),
        ] where command[0] != "latent" {
            let file = folder.path + "/" + output
            _ = try zooOK(command + data + ["--output", file])
            #expect(try isPicture(file))
        }
        let manifold = folder.path + "/m.png"
        _ = try run("manifold", path, "--size", "5", "--output", manifold)
        #expect(try isPicture(manifold))
        let animation = try zoo(["traverse", path] + data + ["--output", folder.path + "/t.gif"])
        #expect(animation.status == 2 && animation.errors.contains("works on vectors [3]"), "\(animation.errors)")
        _ = try zooOK(["evaluate", path] + data)
        _ = try zooOK(["compare", path] + data + ["--output", folder.path + "/c.html"])
        _ = try zooOK(["trace", path, "--index", "3"] + data)
        let scaled = try zoo(["evaluate", path, "--scaling", "unit"] + data)
        #expect(scaled.status == 2 && scaled.errors.contains("belongs to the model"), "\(scaled.errors)")
    }

    private func zooOK(_ arguments: [String]) throws -> CommandResult {
        let result = try zoo(arguments)
        #expect(result.status == 0, "\(arguments.joined(separator: " ")): \(result.errors)")
        return result
    }

    /// Factors of a table are what disentanglement is measured with; what is in the file can be asked for.
    @Test func factorsOfATable() throws {
        let file = try table()
        let path = folder.path + "/run"
        let data = ["--array", file, "--factors", "kind,age"]
        _ = try zooOK(["train", "mlp-vae-points"] + data + ["--epochs", "1", "--run-dir", path, "-q"])
        let scores = try zooOK(["evaluate", path, "--metrics", "mig", "--json"] + data)
        let evaluation = try #require(try scores.object()["evaluation"] as? [String: Any])
        #expect((evaluation["metrics"] as? [[String: Any]])?.map { $0["metric"] as? String } == ["mig"])
        let info = try zooOK(["data", "info", "--json"] + data).object()
        #expect(info["images"] as? Int == 300 && info["shape"] as? [Int] == [2])
        #expect((info["factors"] as? [[String: Any]])?.map { $0["count"] as? Int } == [3, 50])
        let labelled = try zooOK(["data", "info", "--array", file, "--labels", "kind", "--json"]).object()
        #expect(labelled["classes"] as? [String] == ["ant", "bee", "cat"] && labelled["images"] as? Int == 300)
        let verified = try zooOK(["data", "verify", "--array", file, "--labels", "kind", "--json"]).object()
        #expect(verified["images"] as? Int == 300)
        let none = try zoo("data", "info")
        #expect(none.status == 2 && none.errors.contains("give --array or --image-folder"), "\(none.errors)")
        let alone = try zoo("data", "info", "--labels", "kind")
        #expect(alone.status == 2 && alone.errors.contains("give it with --array"))
    }

    /// A run on numbers is resumed to the last bit; on other numbers it is not.
    @Test func aRunOnNumbersIsResumed() throws {
        let file = try table()
        let options = ["--array", file, "--labels", "kind", "--scaling", "unit", "--threads", "1", "-q"]
        let begin = ["train", "mlp-vae-points", "--batch-size", "32"] + options
        _ = try zooOK(begin + ["--steps", "40", "--run-dir", folder.path + "/whole"])
        _ = try zooOK(begin + ["--steps", "15", "--run-dir", folder.path + "/parts"])
        let resume = ["train", "--resume", folder.path + "/parts", "--array", file, "--labels", "kind", "-q"]
        let resumed = try zooOK(resume + ["--steps", "40", "--threads", "1"])
        #expect(!resumed.errors.contains("not to the last bit"), "\(resumed.errors)")
        let whole = try Checkpoint.read(from: folder.path + "/whole/checkpoints/step-0000000040.h5")
        let parts = try Checkpoint.read(from: folder.path + "/parts/checkpoints/step-0000000040.h5")
        #expect(whole.parameters == parts.parameters && whole.optimizer == parts.optimizer)
        #expect(whole.scaling?.method == .unit && whole.scaling == parts.scaling)
        let other = try folder.write(try folder.text("people.csv").replacing("1500.0", with: "1501.0"), "other.csv")
        let refused = try zoo(
            ["train", "--resume", folder.path + "/parts", "--array", other, "--labels", "kind", "--steps", "50"])
        #expect(refused.status == 1 && refused.errors.contains("is not the data"), "\(refused.errors)")
    }

    /// A file is fitted for `reconstruct --images` as the pictures of the folder were in training, unless that is asked for otherwise.
    @Test(arguments: ["crop", "pad", "stretch"]) func filesAreFittedAsInTraining(fit: String) throws {
        let pictures = folder.path + "/pictures"
        try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
        for number in 0..<10 {
            let pixels = (0..<24 * 10).map { UInt8(($0 % 24 * (number + 3) * 7 + $0 / 24 * 20) % 256) }
            try Data(ImageFiles.encodePNG(Image8(width: 24, height: 10, channels: 1, pixels: pixels)))
                .write(to: URL(fileURLWithPath: "\(pictures)/\(number).png"))
        }
        let model = try folder.write(SmallRun.definition(epochs: 1), "small.yaml")
        let path = folder.path + "/run"
        _ = try zooOK(["train", model, "--image-folder", pictures, "--fit", fit, "--run-dir", path, "-q"])
        let output = ["--output", folder.path + "/r.png", "--json"]
        let ofFolder = try zooOK(
            ["reconstruct", path, "--image-folder", pictures, "--split", "train", "--indices", "4"] + output
        ).object()
        let ofFile = try zooOK(["reconstruct", path, "--images", pictures + "/4.png", "--resize"] + output).object()
        #expect(ofFile["half_squared_error"] as? [Double] == ofFolder["half_squared_error"] as? [Double])
        #expect((ofFile["half_squared_error"] as? [Double])?.count == 1)
    }

    /// A table whose classes are words, as rows with these words; vectors have no pictures.
    @Test(.enabled(if: Judge.python != nil)) func wordsOfATableInParquet() throws {
        let path = folder.path + "/run"
        let data = ["--array", try table(), "--labels", "kind"]
        _ = try zooOK(["train", "mlp-vae-points"] + data + ["--steps", "3", "--run-dir", path, "-q"])
        _ = try zooOK(["embed", path, "--output", folder.path + "/codes.parquet"] + data)
        let script = """
            import sys, pyarrow.parquet as pq
            rows = pq.read_table(sys.argv[1]).to_pylist()
            assert len(rows) == 30 and "image" not in rows[0]
            assert all(row["label"] == ["ant", "bee", "cat"][row["index"] % 3] for row in rows), rows
            print("read")
            """
        #expect(try Judge.run(Judge.python, ["-c", script, folder.path + "/codes.parquet"]).contains("read"))
    }

    /// Sixteen bits, seven channels: images that no picture file has.
    @Test func imagesOfSevenChannels() throws {
        let values = (0..<40 * 7 * 64).map { place -> Float in
            let (channel, column) = (place / 64 % 7, place % 8)
            return Float(200 + channel * 100 + column * 10)
        }
        let file = folder.path + "/x.npz"
        try Data(NumPyArchive.encode([NamedTensor(path: "x", shape: [40, 7, 8, 8], values: values)], definition: ""))
            .write(to: URL(fileURLWithPath: file))
        let model = try folder.write(
            """
            format: zoo.model/1
            name: seven
            family: vae
            summary: For tests
            input: [1, 8, 8]
            latent: {size: 2, mean: mean, log_variance: log_variance}
            encoder:
              - conv: {conv2d: {filters: 8, kernel: 3, stride: 2, padding: 1}, activation: relu}
            decoder:
              - fc: {linear: {units: 128}, activation: relu}
              - reshape: [8, 4, 4]
              - up: {conv_transpose2d: {filters: 1, kernel: 4, stride: 2, padding: 1}, activation: sigmoid}
            objective: {reconstruction: bernoulli, kl: {weight: 1}}
            training: {optimizer: {adam: {learning_rate: 1.0e-3}}, batch_size: 8, epochs: 1}

            """, "seven.yaml")
        let path = folder.path + "/run"
        let trained = try run("train", model, "--array", file, "--run-dir", path)
        #expect(trained.errors.contains("array: rows [7, 8, 8], scaled to 0…1"), "\(trained.errors)")
        #expect(try isPicture(path + "/pictures/samples-epoch-0001.png"))
        _ = try run("reconstruct", path, "--array", file, "--output", folder.path + "/r.png")
        // What is not from 0 to 1 has no Bernoulli likelihood.
        let refused = try zoo("train", model, "--array", file, "--scaling", "standard", "--run-dir", path + "2")
        #expect(refused.status == 2 && refused.errors.contains("bernoulli is a likelihood of numbers from 0 to 1"))
        #expect(refused.errors.contains("--scaling unit"), "\(refused.errors)")
    }

    @Test func thePlane() throws {
        let path = folder.path + "/moons"
        _ = try run("train", "mlp-vae-points", "--steps", "30", "--run-dir", path, "-q")
        _ = try run("train", "mlp-vae-points", "--dataset", "rings", "--steps", "3", "--run-dir", path + "2", "-q")
        let output = folder.path + "/s.png"
        _ = try run("sample", path, "--count", "500", "--output", output)
        #expect(try isPicture(output))
        _ = try run("embed", path, "--output", folder.path + "/e.png")
        #expect(try run("data", "info", "two-moons").output.contains("real numbers"))
    }
}

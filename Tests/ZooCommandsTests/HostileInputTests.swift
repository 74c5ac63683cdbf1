import Checkpoints
import Foundation
import Glibc
import TensorCore
import Testing

/// Files from strangers, and options that nobody means: an error, and never a trap, a hang or a plausible picture.
@Suite struct HostileInputTests {
    /// Every command that computes says which tensor is not finite.
    @Test func weightsThatAreNotFinite() throws {
        let model = try TinyModel()
        let path = model.folder.path + "/nan.h5"
        var checkpoint = try Checkpoint.read(from: model.run + "/checkpoints/best.h5")
        let spoiled = try #require(checkpoint.parameters.firstIndex { $0.path == "decoder.fc1.weight" })
        let tensor = checkpoint.parameters[spoiled]
        checkpoint.parameters[spoiled] = NamedTensor(
            path: tensor.path, shape: tensor.shape, values: [.nan] + tensor.values.dropFirst())
        try checkpoint.write(to: path)
        let folder = model.folder.path
        let drawing: [[String]] = [
            ["sample", path], ["reconstruct", path], ["traverse", path], ["regions", path], ["manifold", path],
            ["embed", path], ["interpolate", path, "--between", "80", "81"], ["compare", path, model.run],
        ]
        let others: [[String]] = [
            ["evaluate", path], ["trace", path, "--index", "80"], ["train", "--resume", path, "--steps", "9"],
            ["train", "--init-from", path, "--steps", "2", "--run-dir", "\(folder)/new"], ["convert", "latent", path],
        ]
        let commands = others + drawing.map { $0 + ["--output", "\(folder)/x.\($0[0] == "compare" ? "html" : "png")"] }
        for command in commands {
            let result = try zoo(command, datasets: try Bars.catalog())
            #expect(result.status == 1, "\(command): \(result.status) \(result.output) \(result.errors)")
            #expect(result.errors.contains("decoder.fc1.weight"), "\(command): \(result.errors)")
            #expect(result.errors.contains("not finite"), "\(command): \(result.errors)")
            #expect(result.errors.contains("nan.h5"), "\(command): \(result.errors)")
        }
    }

    @Test func storedStatisticsThatAreNotFinite() throws {
        let model = try TinyModel()
        let path = model.folder.path + "/nan.h5"
        var checkpoint = try Checkpoint.read(from: model.run + "/checkpoints/best.h5")
        checkpoint.latentStatistics?.covariance[0] = .nan
        try checkpoint.write(to: path)
        let result = try zoo(
            "traverse", path, "--range", "posterior", "--output", model.folder.path + "/x.png",
            datasets: try Bars.catalog())
        #expect(result.status == 1 && result.errors.contains("the covariance is not finite"), "\(result.errors)")
        #expect(result.errors.contains("zoo convert latent"), "\(result.errors)")
    }

    @Test func progressThatNoRunHas() throws {
        let model = try TinyModel()
        let path = model.folder.path + "/x.h5"
        let changes: [(String, (inout TrainingProgress) -> Void)] = [
            ("at most 4294967295 steps, not 9007199254740992", { $0.stepLimit = 1 << 53 }),
            ("9007199254740992 images in an epoch", { $0.imagesSeenInEpoch = 1 << 53 }),
            ("9007199254740992 steps", { $0.step = 1 << 53 }), ("not finite", { $0.runningSums["kl"] = .nan }),
        ]
        for (message, change) in changes {
            var checkpoint = try Checkpoint.read(from: model.run + "/checkpoints/best.h5")
            var progress = try #require(checkpoint.progress)
            change(&progress)
            checkpoint.progress = progress
            try checkpoint.write(to: path)
            let result = try zoo("train", "--resume", path, "-q", datasets: try Bars.catalog())
            #expect(result.status != 0 && result.errors.contains(message), "\(message): \(result.errors)")
        }
    }

    static let outOfRange: [([String], String)] = [
        (["train", "mlp-vae-mnist", "--steps", "9223372036854775807"], "--steps must lie in 1…4294967295"),
        (["train", "mlp-vae-mnist", "--threads", "-1"], "--threads must lie in 1…1024, is -1"),
        (["evaluate", "x.h5", "--threads", "9223372036854775807"], "--threads must lie in 1…1024"),
        (["train", "mlp-vae-mnist", "--epochs", "9223372036854775807"], "must lie in 1…1000000"),
        (
            ["sweep", "mlp-vae-mnist"] + (0..<40).flatMap { ["--vary", "training.x\($0)=1,2"] },
            "combinations are too many"
        ),
    ]

    @Test(arguments: outOfRange)
    func numbersOutOfRange(arguments: [String], message: String) throws {
        let result = try zoo(arguments)
        #expect(result.status != 0 && result.errors.contains(message), "\(result.errors)")
    }

    @Test func picturesOfTooManyImages() throws {
        let model = try TinyModel()
        let indices = [String](repeating: "80", count: 1001).joined(separator: ",")
        let result = try model.zoo("reconstruct", ["--indices", indices])
        #expect(result.status == 2 && result.errors.contains("names 1001 images; at most 1000"), "\(result.errors)")
    }

    /// Numbers of a run's record and metrics that would overflow.
    @Test func recordsThatNoRunWrites() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 2))).status == 0)
        let record = try small.folder.text("run/run.json")
        let metrics = try small.folder.text("run/metrics.jsonl")
        let path = small.folder.path + "/run"
        for (old, new) in [
            ("\"resumptions\": 0", "\"resumptions\": 9223372036854775807"),
            ("\"steps_done\": 10", "\"steps_done\": -9223372036854775808"),
            ("\"batch_size\": 8", "\"batch_size\": 1e400"),
        ] {
            try small.folder.write(record.replacing(old, with: new), "run/run.json")
            for command in [
                ["runs", "show", path], ["runs", "list", small.folder.path], small.resume("run", ["--epochs", "3"]),
            ] {
                let result = try zoo(command)
                #expect([0, 1, 2].contains(result.status), "\(command): \(result.errors)")
            }
        }
        try small.folder.write(record, "run/run.json")
        for loss in ["1e308", "-1.7e308", "null", "1e400"] {
            let changed = metrics.replacing(/"loss":[0-9.]+/, with: "\"loss\":\(loss)")
                .replacing(/"images_per_second":[0-9.]+/, with: "\"images_per_second\":\(loss)")
            try small.folder.write(changed, "run/metrics.jsonl")
            let result = try zoo("runs", "show", path, "--output", small.folder.path + "/curves.png")
            #expect([0, 1].contains(result.status), "\(loss): \(result.errors)")
        }
    }

    /// A name is one line wherever it is told, whatever is in it.
    @Test func lineBreaksInNames() throws {
        let model = try TinyModel()
        let name = "a\nerror: b\u{1B}[31m"
        for kind in ["h5", "yaml", "png", "npy", "npz", "csv", "safetensors"] {
            try model.folder.write("nothing of the kind", "\(name).\(kind)")
        }
        let path = model.folder.path + "/" + name
        let commands: [[String]] = [
            ["convert", "inspect", "\(path).h5"], ["convert", "verify", "\(path).h5"], ["evaluate", "\(path).h5"],
            ["sample", "\(path).h5"], ["show", "\(path).yaml"], ["validate", "\(path).yaml"], ["validate", path],
            ["train", "\(path).yaml"], ["train", "--resume", path], ["train", "--resume", "\(path).h5"],
            ["runs", "show", path], ["runs", "list", path], ["compare", path, model.run],
            ["compare", "\(path).h5", model.run], ["reconstruct", model.run, "--images", "\(path).png"],
            ["score", model.run, "--images", "\(path).png"], ["sample", name], ["show", name],
            ["sample", model.run, "--output", "\(path).x"], ["sample", model.run, "--\(name)"],
            ["data", "info", "array", "--array", "\(path).npy"], ["data", "info", "array", "--array", "\(path).npz"],
            ["data", "info", "array", "--array", "\(path).csv", "--labels", name], [name], ["train", "--set", name],
            ["convert", "import", "\(path).safetensors", "--model", "mlp-vae-mnist", "--to", "\(path).out.h5"],
        ]
        for command in commands {
            let result = try zoo(command, datasets: try Bars.catalog())
            #expect(result.status != 0, "\(command): \(result.output)")
            let lines = result.errors.split(separator: "\n")
            #expect(!lines.contains { $0.hasPrefix("error: b") }, "\(command): \(result.errors)")
            #expect(!result.errors.contains("\u{1B}"), "\(command): \(result.errors)")
        }
        let told = try zoo("evaluate", path + ".h5", datasets: try Bars.catalog())
        #expect(told.errors.contains("a\\u{A}error: b\\u{1B}[31m.h5"), "\(told.errors)")
    }

    /// Folders of a run that point elsewhere.
    @Test(arguments: ["checkpoints", "pictures"]) func linkedFolders(name: String) throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 1))).status == 0)
        let path = small.folder.path
        try FileManager.default.moveItem(atPath: "\(path)/run/\(name)", toPath: "\(path)/elsewhere")
        try small.folder.write("precious", "elsewhere/.mine.tmp.1.a")
        symlink("\(path)/elsewhere", "\(path)/run/\(name)")
        let before = try FileManager.default.contentsOfDirectory(atPath: "\(path)/elsewhere").sorted()
        let resumed = try zoo(small.resume("run", ["--epochs", "2"]))
        #expect(resumed.status == 2 && resumed.errors.contains("run/\(name) is a link"), "\(resumed.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(path)/elsewhere").sorted() == before)
    }

    @Test func pipesAreNotWaitedFor() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 1))).status == 0)
        let path = small.folder.path
        unlink("\(path)/run/.lock")
        #expect(mkfifo("\(path)/run/.lock", 0o600) == 0)
        #expect(try zoo("runs", "list", path).status == 0)
        let resumed = try zoo(small.resume("run", ["--epochs", "2"]))
        #expect(resumed.status == 1 && resumed.errors.contains("no regular file"), "\(resumed.errors)")
    }

    // MARK: The terminal

    private static let escapes = "\u{1B}[31mRED\u{1B}]0;title\u{7}\u{202E}\u{9B}2J"

    private func expectPrintable(_ result: CommandResult, _ comment: String) {
        for scalar in (result.output + result.errors).unicodeScalars where scalar != "\n" && scalar != "\t" {
            #expect(
                scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) && scalar.value != 0x202E,
                "\(comment): \(result.output) \(result.errors)")
        }
    }

    @Test func definitionsDoNotReachTheTerminalRaw() throws {
        let folder = try TemporaryFolder()
        let quoted = #"\e[31mRED\e]0;title\a\u202e\x9b2J"#
        let sound = """
            format: zoo.model/1
            name: evil
            family: vae
            summary: "\(quoted)"
            references: [{title: "\(quoted)", authors: "\(quoted)", url: "https://x/\(quoted)"}]
            input: [2]
            latent: {size: 1, mean: mean, log_variance: log_variance}
            encoder: [{fc1: {linear: 3, activation: relu}}]
            decoder: [{fc2: {linear: 2}}]
            objective: {reconstruction: gaussian, kl: {weight: 1}}
            training: {optimizer: {adam: {learning_rate: 0.001}}, batch_size: 8, epochs: 1}
            """
        let file = try folder.write(sound, "sound.yaml")
        for command in [["show", file], ["validate", file], ["trace", file], ["list", "--zoo", folder.path]] {
            expectPrintable(try zoo(command), "\(command)")
        }
        for (old, new) in [
            ("fc1:", "\"\(quoted)\":"), ("linear: 3", "\"\(quoted)\": 3"), ("name: evil", "name: \"\(quoted)\""),
            ("reconstruction: gaussian", "reconstruction: \"\(quoted)\""), ("epochs: 1", "epochs: \"\(quoted)\""),
            ("batch_size: 8", "\"\(quoted)\": 8"),
        ] {
            let file = try folder.write(sound.replacing(old, with: new), "wrong.yaml")
            for command in [["show", file], ["validate", file], ["trace", file], ["train", file, "--dry-run"]] {
                let result = try zoo(command)
                #expect(result.status != 0, "\(command)")
                #expect((result.output + result.errors).contains("u{1B}"), "\(new): \(result.errors)")
                expectPrintable(result, "\(command), \(new)")
            }
        }
        expectPrintable(try zoo("show", Self.escapes), "a name")
        expectPrintable(try zoo("--\(Self.escapes)"), "an option")
    }

    /// One line stays one line, whatever a run, a file or a data set is called.
    @Test func namesDoNotMakeLines() throws {
        let small = try SmallRun()
        let name = "run\nfake\r\u{2028}fake\u{2029}fake\u{B}fake\u{C}fake\u{85}fake"
        #expect(try zoo(small.begin(name, SmallRun.definition(epochs: 1))).status == 0)
        let path = small.folder.path + "/" + name
        let best = path + "/checkpoints/best.h5"
        var checkpoint = try Checkpoint.read(from: best)
        (checkpoint.model, checkpoint.dataset) = (name, name)
        try checkpoint.write(to: best)
        let record = try small.folder.text("\(name)/run.json").replacing("small-vae", with: #"small\nfake\r\u2028fake"#)
        try small.folder.write(record, "\(name)/run.json")
        for command in [
            ["runs", "list", small.folder.path], ["runs", "show", path], ["show", path], ["convert", "inspect", best],
            ["convert", "inspect", best, "--weights"], ["convert", "verify", path], ["show", best],
            ["validate", path + "/definition.yaml"], ["list", "--zoo", path],
            ["sample", best, "--count", "1", "--output", path + "/x.png"],
            ["reconstruct", best, "--image-folder", small.pictures, "--output", path + "/x.png"],
            ["train", "--resume", path, "--image-folder", small.pictures, "--epochs", "2"],
        ] {
            let result = try zoo(command)
            #expect(result.status == 0, "\(command): \(result.errors)")
            let text = result.output + result.errors
            #expect(!text.split(separator: "\n").contains { $0.hasPrefix("fake") }, "\(command): \(text)")
            expectPrintable(result, "\(command)")
            for separator in ["\u{2028}", "\u{2029}"] { #expect(!text.contains(separator), "\(command): \(text)") }
        }
    }

    @Test func recordsOfRunsDoNotReachTheTerminalRaw() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 1))).status == 0)
        let escapes = #"\u001b[31mRED\u001b]0;title\u0007\u202e\u009b2J"#
        let record = try small.folder.text("run/run.json").replacing("small-vae", with: "small\(escapes)")
            .replacing("image-folder", with: "folder\(escapes)").replacing(
                "\"message\": null", with: "\"message\": \"\(escapes)\"")
        try small.folder.write(record, "run/run.json")
        for command in [["runs", "show", small.folder.path + "/run"], ["runs", "list", small.folder.path]] {
            let result = try zoo(command)
            #expect(result.status == 0 && result.output.contains("\\u{1B}"), "\(result.output) \(result.errors)")
            expectPrintable(result, "\(command)")
        }
    }
}

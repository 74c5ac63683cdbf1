import Checkpoints
import Foundation
import Testing

/// Training and what follows it, on generated sprites with a network small enough for a test.
@Suite struct TrainTests {
    /// A folder with the definition in it.
    private func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try FewSprites.definition.write(toFile: folder.path + "/tiny.yaml", atomically: true, encoding: .utf8)
        return folder
    }

    @Test func aRunLeavesEverythingBehind() throws {
        let folder = try folder()
        let run = folder.path + "/run"
        let result = try FewSprites.zoo("train", folder.path + "/tiny.yaml", "--steps", "5", "--run-dir", run, "--json")
        #expect(result.status == 0, "\(result.errors)")
        let object = try result.object()
        #expect(
            Set(object.keys) == [
                "model", "run", "checkpoint", "epochs", "steps", "seconds", "images_per_second", "train", "test",
            ])
        #expect(object["steps"] as? Int == 5)
        for file in [
            "definition.yaml", "run.json", "metrics.jsonl", "checkpoints/best.h5", "checkpoints/step-0000000005.h5",
            "pictures/samples-epoch-0001.png", "pictures/reconstructions-epoch-0001.png",
            "pictures/traversal-epoch-0001.png",
        ] {
            #expect(FileManager.default.fileExists(atPath: run + "/" + file), "\(file)")
        }

        let evaluation = try FewSprites.zoo("evaluate", run, "--json").object()
        let test = try #require(object["test"] as? [String: Double])
        #expect(abs((evaluation["loss"] as? Double ?? 0) - (test["loss"] ?? -1)) < 1e-6)
        #expect(evaluation["images"] as? Int == 20)

        for command in [["sample", run, "--count", "4"], ["reconstruct", run, "--count", "3"]] {
            let picture = folder.path + "/" + command[0] + ".png"
            #expect(try FewSprites.zoo(command[0], command[1], command[2], command[3], "--output", picture).status == 0)
            #expect(try Data(contentsOf: URL(fileURLWithPath: picture)).starts(with: [0x89, 0x50, 0x4E, 0x47]))
        }
        let again = try FewSprites.zoo("train", folder.path + "/tiny.yaml", "--steps", "5", "--run-dir", run)
        #expect(again.status == 2 && again.errors.contains("holds a run already"))
    }

    @Test func resumingGivesTheSameBits() throws {
        let folder = try folder()
        let (straight, broken) = (folder.path + "/straight", folder.path + "/broken")
        #expect(
            try FewSprites.zoo("train", folder.path + "/tiny.yaml", "--steps", "6", "--run-dir", straight, "-q").status
                == 0)
        #expect(
            try FewSprites.zoo("train", folder.path + "/tiny.yaml", "--steps", "4", "--run-dir", broken, "-q").status
                == 0)
        let resumed = try FewSprites.zoo("train", "--resume", broken, "--steps", "6", "-q")
        #expect(resumed.status == 0, "\(resumed.errors)")
        let a = try Checkpoint.read(from: straight + "/checkpoints/step-0000000006.h5")
        let b = try Checkpoint.read(from: broken + "/checkpoints/step-0000000006.h5")
        #expect(a.parameters == b.parameters)
        #expect(a.optimizer == b.optimizer)
        #expect(a.progress?.runningSums == b.progress?.runningSums)
    }

    @Test(arguments: [
        (["--epochs", "-1"], 1, "training.epochs: must lie in 1…1000000, is -1"),
        (["--steps", "0"], 2, "--steps must lie in 1…4294967295"),
        (["--steps", "1", "--epochs", "1"], 2, "not both"),
        (["--threads", "0"], 2, "--threads must lie in"),
        (["--set", "latent.sise=3"], 1, "did you mean size?"),
        (["--set", "nonsense"], 2, "expected PATH=VALUE"),
        (["--dataset", "color-sprites"], 1, "the images of color-sprites"),
        (["--dataset", "spritez"], 2, "Did you mean 'sprites'?"),
        (["--run-dir", "/dev/null/x"], 1, "/dev/null"),
    ])
    func badInput(arguments: [String], status: Int32, message: String) throws {
        let folder = try folder()
        var all = ["train", folder.path + "/tiny.yaml"] + arguments
        if !arguments.contains("--steps"), !arguments.contains("--epochs") { all += ["--steps", "1"] }
        let result = try FewSprites.zoo(all)
        #expect(result.status == status)
        #expect(result.errors.contains(message), "\(result.errors)")
    }

    @Test func aPlainAutoencoderHasNoPrior() throws {
        let folder = try TemporaryFolder()
        let text = FewSprites.definition.replacingOccurrences(
            of: "mean: mean, log_variance: log_variance", with: "code: code"
        ).replacingOccurrences(of: ", kl: {weight: 1}", with: "")
        try text.write(toFile: folder.path + "/tiny.yaml", atomically: true, encoding: .utf8)
        let run = folder.path + "/run"
        #expect(
            try FewSprites.zoo("train", folder.path + "/tiny.yaml", "--steps", "2", "--run-dir", run, "-q").status == 0)
        let result = try FewSprites.zoo("sample", run, "--output", folder.path + "/x.png")
        #expect(result.status == 2 && result.errors.contains("no prior"))
    }
}

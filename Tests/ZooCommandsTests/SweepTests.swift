import Checkpoints
import Foundation
import Glibc
import TensorCore
import Testing
import ZooCommands

/// Sweeps and comparisons of a network small enough for a test, on generated sprites.
@Suite struct SweepTests {
    private let folder: TemporaryFolder
    private var model: String { folder.path + "/tiny.yaml" }
    private var output: String { folder.path + "/sweep" }

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(FewSprites.definition, "tiny.yaml")
    }

    private func sweep(_ arguments: String...) throws -> CommandResult {
        try FewSprites.zoo(["sweep", model, "--output", output] + arguments)
    }

    private func statuses() throws -> [String] {
        let object = try JSONSerialization.jsonObject(with: Data(folder.text("sweep/sweep.json").utf8))
        let runs = try #require((object as? [String: Any])?["runs"] as? [[String: Any]])
        return runs.compactMap { $0["status"] as? String }
    }

    @Test func everyCombinationIsTrainedOnce() throws {
        let arguments = [
            "sweep", model, "--output", output, "--vary", "objective.kl.weight=1,5", "--vary", "latent.size=2,3",
            "--steps", "4", "--json",
        ]
        let first = try FewSprites.zoo(arguments)
        #expect(first.status == 0, "\(first.errors)")
        let models = try #require(try first.object()["models"] as? [[String: Any]])
        #expect(
            models.map { $0["label"] as? String } == [
                "β = 1, z = 2", "β = 1, z = 3", "β = 5, z = 2", "β = 5, z = 3",
            ])
        #expect(models.map { $0["objective"] as? String }.last == "bernoulli + 5·KL")
        #expect(models.map { $0["latent_size"] as? Int } == [2, 3, 2, 3])
        #expect(first.errors.contains("4 of 4 runs done"))
        #expect(try statuses() == ["finished", "finished", "finished", "finished"])
        let run = output + "/objective.kl.weight=5,latent.size=3"
        let checkpoint = run + "/checkpoints/step-0000000004.h5"
        let written = try FileManager.default.attributesOfItem(atPath: checkpoint)[.modificationDate] as? Date

        let second = try FewSprites.zoo(arguments)
        #expect(second.status == 0)
        #expect(second.errors.components(separatedBy: "finished already, skipped").count == 5)
        #expect(
            try FileManager.default.attributesOfItem(atPath: checkpoint)[.modificationDate] as? Date == written)

        // The command in sweep.json makes the run again, to the bit.
        let object = try JSONSerialization.jsonObject(with: Data(folder.text("sweep/sweep.json").utf8))
        let runs = try #require((object as? [String: Any])?["runs"] as? [[String: Any]])
        var command = try #require(runs[3]["command"] as? [String])
        #expect(command.removeFirst() == "zoo")
        command[command.count - 1] = folder.path + "/again"
        #expect(try FewSprites.zoo(command).status == 0)
        #expect(
            try Checkpoint.read(from: checkpoint).parameters
                == Checkpoint.read(from: folder.path + "/again/checkpoints/step-0000000004.h5").parameters)
    }

    @Test func threadsAndDataOfASweep() throws {
        #expect(
            try sweep("--vary", "latent.size=2,3", "--steps", "1", "-q", "--threads", "1", "--data-dir", folder.path)
                .status == 0)
        let object = try JSONSerialization.jsonObject(with: Data(folder.text("sweep/sweep.json").utf8))
        let runs = try #require((object as? [String: Any])?["runs"] as? [[String: Any]])
        for run in runs {
            let command = (run["command"] as? [String] ?? []).joined(separator: " ")
            #expect(command.contains("--threads 1") && command.contains("--data-dir \(folder.path)"), "\(command)")
        }
        #expect(runs.count == 2)
    }

    @Test func aKilledRunGoesOn() throws {
        #expect(try sweep("--vary", "latent.size=2,3", "--steps", "3", "-q").status == 0)
        // What a process leaves that was killed after a checkpoint: the record says that it runs.
        let record = "sweep/latent.size=3/run.json"
        try folder.write(try folder.text(record).replacingOccurrences(of: "\"finished\"", with: "\"running\""), record)
        // And one that was killed before its first.
        let early = output + "/latent.size=2"
        for name in try FileManager.default.contentsOfDirectory(atPath: early + "/checkpoints") {
            try FileManager.default.removeItem(atPath: early + "/checkpoints/" + name)
        }
        let result = try sweep("--vary", "latent.size=2,3", "--steps", "6")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("[1/2] z = 2: begins"))
        #expect(result.errors.contains("[2/2] z = 3: resumes from step 3"))
        let straight = folder.path + "/straight"
        #expect(
            try FewSprites.zoo("train", model, "--set", "latent.size=3", "--steps", "6", "--run-dir", straight, "-q")
                .status == 0)
        #expect(
            try Checkpoint.read(from: straight + "/checkpoints/step-0000000006.h5").parameters
                == Checkpoint.read(from: output + "/latent.size=3/checkpoints/step-0000000006.h5").parameters)
    }

    @Test func aFailureLeavesTheOthersBe() throws {
        // The run that another definition is in the way of.
        let result = try sweep("--vary", "latent.size=2,3", "--steps", "2", "-q")
        #expect(result.status == 0, "\(result.errors)")
        let other = try sweep("--vary", "latent.size=2,3,4", "--steps", "2", "--set", "objective.kl.weight=7")
        #expect(other.status == 1)
        #expect(other.errors.contains("2 of 3 runs failed"))
        #expect(other.errors.contains("z = 2: ") && other.errors.contains("another definition or seed"))
        #expect(try statuses() == ["failed", "failed", "finished"])
        #expect(other.output.contains("z = 4"))
    }

    @Test func seedsAreRunsOfTheirOwn() throws {
        let result = try sweep("--seeds", "0,1", "--steps", "2", "-q")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.lines.contains { $0.hasPrefix("seed 0, seed 1") && $0.contains(" ± ") }, "\(result.output)")
        let read = { (seed: Int) in
            try Checkpoint.read(from: output + "/seed=\(seed)/checkpoints/step-0000000002.h5")
        }
        #expect(try read(0).progress?.seed == 0 && read(1).progress?.seed == 1)
        #expect(try read(0).parameters != read(1).parameters)
    }

    @Test func seedsAreAveraged() throws {
        let arguments = ["--vary", "latent.size=2,3", "--seeds", "0,1,7", "--steps", "3"]
        let result = try FewSprites.zoo(["sweep", model, "--output", output, "--json"] + arguments)
        #expect(result.status == 0, "\(result.errors)")
        let object = try result.object()
        let models = try #require(object["models"] as? [[String: Any]])
        let groups = try #require(object["over_seeds"] as? [[String: Any]])
        #expect(groups.map { $0["label"] as? String } == ["z = 2", "z = 3"])
        #expect(groups.allSatisfy { $0["seeds"] as? [String] == ["0", "1", "7"] })
        for (place, group) in groups.enumerated() {
            for key in ["loss", "reconstruction", "kl"] {
                let values = models[3 * place..<3 * place + 3].compactMap { ($0["test"] as? [String: Double])?[key] }
                let mean = values.reduce(0, +) / 3
                let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2).squareRoot()
                let found = try #require(group[key] as? [String: Double])
                #expect(deviation > 0)
                #expect(abs((found["mean"] ?? 0) - mean) < 1e-9 * abs(mean), "\(key)")
                #expect(abs((found["standard_deviation"] ?? 0) - deviation) < 1e-6 * deviation, "\(key)")
            }
        }
        let page = try folder.text("sweep/report.html")
        #expect(page.contains("Mean ± standard deviation (n − 1) over the seeds."))

        // Runs that are no sweep's are averaged too; those that differ in more than the seed are not.
        let runs = [
            "latent.size=2,seed=0", "latent.size=2,seed=1", "latent.size=3,seed=7",
        ].map { output + "/" + $0 }
        let alone = try #require(
            try FewSprites.zoo(["compare", "--json"] + runs).object()["over_seeds"] as? [[String: Any]])
        #expect(alone.map { $0["label"] as? String } == ["latent.size=2,seed=0, latent.size=2,seed=1"])
        #expect(try !FewSprites.zoo(["compare", runs[0], runs[2]]).output.contains("±"))
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: Self.program)))
    func jobsAreProcesses() throws {
        let result = try ZooContext.$executable.withValue(Self.program) {
            try sweep("--vary", "latent.size=2,3", "--steps", "2", "--jobs", "2", "--dataset", "sprites")
        }
        #expect(result.status == 0, "\(result.errors)")
        #expect(try statuses() == ["finished", "finished"])
        #expect(try folder.text("sweep/latent.size=2.log").contains("saved"))

        let failed = try ZooContext.$executable.withValue("/bin/false") {
            try sweep("--vary", "latent.size=4,5", "--steps", "2", "--jobs", "2", "--dataset", "sprites")
        }
        #expect(failed.status == 1 && failed.errors.contains("z = 4: exit status 1"))
    }

    /// The program `zoo`, which is built beside the tests.
    static let program = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("zoo").path
    }()

    @Test(arguments: [
        (["--steps", "1"], "give what to vary"),
        (["--vary", "latent.size="], "no values"),
        (["--vary", "latent.size=2,,3"], "a value is empty"),
        (["--vary", "latent.size"], "expected PATH=VALUE"),
        (["--vary", "latent.size=2,2"], "2 is there twice"),
        (["--vary", "latent.size=2", "--vary", "latent.size=3"], "latent.size is varied twice"),
        (["--vary", "latent.sise=2,3"], "did you mean size?"),
        (["--vary", "latent.size=2,x"], "latent.size"),
        (["--vary", "latent.size=2", "--epoch", "3"], "did you mean --epochs?"),
        (["--vary", "latent.size=2", "--resume", "x"], "--resume"),
        (["--vary", "latent.size=2", "--seeds", "0,a"], "\"a\" is not a number"),
        (["--vary", "latent.size=2", "--seeds", "0", "--seed", "1"], "not both"),
        (["--vary", "latent.size=2", "--jobs", "0"], "--jobs must lie in"),
        (["--vary", "other:latent.size=2,3"], "the sweep has no model other"),
        (["--vary", "latent.size=2", "--vary", "tiny-vae:latent.size=3"], "latent.size is varied twice"),
        (["--vary", "latent.size=2", "--best-by", "migg"], "did you mean 'mig'?"),
        (["--vary", "latent.size=2", "--metrics", "mig", "--with", "mig.bins=0"], "mig.bins is a whole number from 2"),
        (["--vary", "encoder.pool.average_pool={kernel: 16},{kernel  :16}"], "both be in the folder"),
    ])
    func badInput(arguments: [String], message: String) throws {
        let result = try FewSprites.zoo(["sweep", model, "--output", output] + arguments)
        #expect(result.status == 2)
        #expect(result.errors.contains(message), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: output))
    }

    @Test func severalModelsAreOneSweep() throws {
        let other = try folder.write(
            FewSprites.definition.replacing("name: tiny-vae", with: "name: other-vae"), "other.yaml")
        func zoo(_ arguments: [String]) throws -> CommandResult {
            try FewSprites.zoo(["sweep", model, other, "--output", output] + arguments)
        }
        let arguments = [
            "--vary", "tiny-vae:objective.kl.weight=1,4", "--seeds", "0,1", "--steps", "2", "--best-by", "loss",
        ]
        let result = try zoo(arguments + ["--json"])
        #expect(result.status == 0, "\(result.errors)")
        let models = try #require(try result.object()["models"] as? [[String: Any]])
        #expect(
            models.map { $0["label"] as? String } == [
                "tiny-vae, β = 1, seed 0", "tiny-vae, β = 1, seed 1", "tiny-vae, β = 4, seed 0",
                "tiny-vae, β = 4, seed 1",
                "other-vae, seed 0", "other-vae, seed 1",
            ])
        for name in ["tiny-vae,objective.kl.weight=4,seed=1", "other-vae,seed=0"] {
            #expect(FileManager.default.fileExists(atPath: "\(output)/\(name)/run.json"), "\(name)")
        }
        let losses = models.compactMap { ($0["test"] as? [String: Any])?["loss"] as? Double }
        let best = try #require(try result.object()["best"] as? [String: Any])
        #expect(best["value"] as? Double == losses.min())
        #expect(best["label"] as? String == models[losses.firstIndex(of: losses.min() ?? 0) ?? 0]["label"] as? String)
        let text = try zoo(arguments)
        #expect(text.output.contains("Best by loss, where lower is better: "))

        let twice = try FewSprites.zoo("sweep", model, model, "--output", output, "--steps", "2")
        #expect(twice.status == 2 && twice.errors.contains("the model tiny-vae is there twice"))
        let small = try folder.write(
            FewSprites.definition.replacing("name: tiny-vae", with: "name: small").replacing(
                "[1, 64, 64]", with: "[1, 32, 32]"
            ).replacing("upsample: 16", with: "upsample: 8").replacing("average_pool: 16", with: "average_pool: 8"),
            "small.yaml")
        let sizes = try FewSprites.zoo("sweep", model, small, "--output", output, "--steps", "2")
        #expect(
            sizes.status == 2 && sizes.errors.contains("the models take images of different sizes"), "\(sizes.errors)")
    }

    @Test func theBestRunIsNamedByAMetricThatIsComputedOnce() throws {
        let tiny = try TinyModel()
        let sweep = tiny.folder.path + "/sweep"
        let arguments = [
            "sweep", tiny.folder.path + "/tiny.yaml", "--output", sweep, "--vary", "latent.size=2,3", "--steps", "3",
            "--metrics", "irs", "--best-by", "mig", "--json",
        ]
        let first = try zoo(arguments, datasets: try Bars.catalog())
        #expect(first.status == 0, "\(first.errors)")
        let models = try #require(try first.object()["models"] as? [[String: Any]])
        let scores = models.compactMap { $0["scores"] as? [String: Double] }
        #expect(scores.allSatisfy { $0["irs"] != nil })
        let gaps = scores.compactMap { $0["mig"] }
        let best = try #require(try first.object()["best"] as? [String: Any])
        #expect(gaps.count == 2 && best["value"] as? Double == gaps.max())
        #expect((best["ranking"] as? [[String: Any]])?.compactMap { $0["value"] as? Double } == gaps.sorted(by: >))
        let record = sweep + "/latent.size=3/evaluation.json"
        let before = try String(contentsOfFile: record, encoding: .utf8)
        let page = try String(contentsOfFile: sweep + "/report.html", encoding: .utf8)
        #expect(page.contains("Factors and latent dimensions") && page.contains("Best by mig, where higher is better"))

        let second = try zoo(arguments, datasets: try Bars.catalog())
        #expect(second.status == 0, "\(second.errors)")
        #expect(try String(contentsOfFile: record, encoding: .utf8) == before)
        let compared = try zoo(["compare", sweep, "--best-by", "udr"], datasets: try Bars.catalog())
        #expect(compared.errors.contains("none of the models has a number for udr"), "\(compared.errors)")
    }

    @Test func valuesMayHoldCommas() throws {
        let result = try sweep(
            "--vary", "objective.reconstruction=bernoulli,gaussian,{bernoulli: 1, gaussian: 1}", "--dry-run")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.lines.count == 3)
        #expect(result.lines[2].contains("'objective.reconstruction={bernoulli: 1, gaussian: 1}'"))
        #expect(result.lines[2].hasSuffix("/objective.reconstruction=bernoulli-1,-gaussian-1"))
    }
}

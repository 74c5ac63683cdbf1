import Checkpoints
import Foundation
import TensorCore
import Testing

/// Going on with a run, in this process: the newest checkpoints are taken away or damaged, as a crash would.
@Suite struct ResumeTests {
    /// Whole runs end with the same bits when they go on from any of their last checkpoints.
    @Test(arguments: SmallRun.optimizers, SmallRun.precisions)
    func resumingIsExact(optimizer: String, precision: [String]) throws {
        let small = try SmallRun()
        let definition = SmallRun.definition(optimizer: optimizer)
        let straight = try zoo(small.begin("straight", definition, ["--save-every", "2steps"] + precision))
        #expect(straight.status == 0, "\(straight.errors)")
        let path = small.folder.path
        let entries = small.checkpoints("straight").entries
        // 36 pictures in batches of 8 are 5 steps: the last epoch's second and fourth step, and its end.
        #expect(entries.map(\.step) == [22, 24, 25])
        for lost in 1...2 {
            let name = "lost-\(lost)"
            try FileManager.default.copyItem(atPath: "\(path)/straight", toPath: "\(path)/\(name)")
            for entry in small.checkpoints(name).entries.suffix(lost) {
                try Data("damaged".utf8).write(to: URL(fileURLWithPath: entry.path))
            }
            let resumed = try zoo(small.resume(name))
            #expect(resumed.status == 0, "\(resumed.errors)")
            for entry in entries.suffix(lost) {
                let file = entry.path.split(separator: "/").last ?? ""
                #expect(resumed.errors.contains("warning: passed over: "), "\(resumed.errors)")
                #expect(resumed.errors.contains("\(file) is no checkpoint of the zoo"), "\(resumed.errors)")
            }
            try small.expectSame("straight", name, "\(optimizer), \(lost) lost")
        }
    }

    /// `--steps` is part of the run: going on does what was asked for at first, with the same schedule.
    @Test func theNumberOfStepsIsKept() throws {
        let small = try SmallRun()
        let definition = SmallRun.definition(epochs: 1000)
        #expect(try zoo(small.begin("run", definition, ["--steps", "13", "--save-every", "1steps"])).status == 0)
        let path = small.folder.path
        try FileManager.default.copyItem(atPath: "\(path)/run", toPath: "\(path)/cut")
        try FileManager.default.removeItem(atPath: small.checkpoints("cut").file(step: 13))
        #expect(try zoo(small.resume("cut")).status == 0)
        try small.expectSame("run", "cut", "13 steps")
        #expect(try small.newest("cut").progress?.stepLimit == 13)
    }

    @Test func aFinishedRunHasNothingLeftToDo() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 2))).status == 0)
        let before = try small.folder.text("run/metrics.jsonl")
        let again = try zoo(small.resume("run").filter { $0 != "-q" })
        #expect(again.status == 0 && again.errors.contains("nothing is left to do"), "\(again.errors)")
        #expect(try small.folder.text("run/metrics.jsonl") == before)
        let record = try small.folder.text("run/run.json")
        #expect(record.contains("\"status\": \"finished\"") && record.contains("\"epochs_done\": 2"))
        #expect(record.contains("\"resumptions\": 1"))
        let asked = try zoo(small.resume("run", ["--epochs", "2"]))
        #expect(asked.status == 2 && asked.errors.contains("nothing is left to do"))
        #expect(try zoo(small.resume("run", ["--epochs", "3"])).status == 0)
        #expect(try small.newest("run").progress?.epoch == 3)
    }

    @Test func aRunThatStoppedEarlyStaysStopped() throws {
        let small = try SmallRun()
        let definition = SmallRun.definition(optimizer: "sgd: {learning_rate: 1.0e-30}", epochs: 50)
            .replacing("  average_decay: 0.9", with: "  patience: 2")
            .replacing("drop: {dropout: 0.25}", with: "drop: {dropout: 0}")
            .replacing(", warmup_steps: 20", with: "").replacing(
                "norm: {batch_norm: {}}", with: "norm: {group_norm: 1}")
        #expect(try zoo(small.begin("run", definition)).status == 0)
        #expect(try small.folder.text("run/run.json").contains("stopped_early"))
        let before = try small.newest("run")
        #expect(try zoo(small.resume("run")).status == 0)
        #expect(try small.newest("run").progress == before.progress)
        #expect(try small.folder.text("run/run.json").contains("stopped_early"))
    }

    @Test func otherDataAreRefused() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 1))).status == 0)
        try FileManager.default.removeItem(atPath: small.pictures + "/3.png")
        let resumed = try zoo(small.resume("run", ["--epochs", "2"]))
        #expect(resumed.status == 1 && resumed.errors.contains("is not the data that"), "\(resumed.errors)")
        #expect(resumed.errors.contains("--init-from"))
    }

    @Test func anotherLayoutOfRandomNumbersIsRefused() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 1))).status == 0)
        var checkpoint = try small.newest("run")
        checkpoint.progress?.randomStreamVersion = 99
        try checkpoint.write(to: small.checkpoints("run").file(step: 5))
        let resumed = try zoo(small.resume("run", ["--epochs", "2"]))
        #expect(resumed.status == 1 && resumed.errors.contains("version 99 of the random numbers"))
    }

    /// Weights without the state of training, and a full checkpoint that has lost the optimiser's.
    @Test func aSlimCheckpointIsRefused() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 1))).status == 0)
        let full = try small.newest("run")
        let path = small.folder.path + "/slim.h5"
        var lost = full
        lost.optimizer.removeAll { $0.name == "second_moment" }
        for (checkpoint, what) in [
            (full.slimmed(), "is slim: it holds weights to evaluate, sample, export or begin a run with"),
            (lost, "lacks the optimiser's state (second_moment)"),
        ] {
            try checkpoint.write(to: path)
            let resumed = try zoo(
                "train", "--resume", path, "--image-folder", small.pictures, "--epochs", "2", "-q")
            #expect(resumed.status == 1 && resumed.errors.contains(what), "\(resumed.errors)")
            #expect(resumed.errors.contains("--init-from"), "\(resumed.errors)")
        }
    }

    /// A file in the run's folder that is of another step than its name says: the run goes on from the one before.
    @Test func aCheckpointOfAnotherStepIsPassedOver() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 2))).status == 0)
        var checkpoint = try small.newest("run")
        checkpoint.progress?.step = 0
        try checkpoint.write(to: small.checkpoints("run").file(step: 12))
        let shown = try zoo("runs", "show", small.folder.path + "/run")
        #expect(shown.output.contains("its name says step 12, but it holds the state after step 0"), "\(shown.output)")
        let resumed = try zoo(small.resume("run", ["--epochs", "3"]))
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(
            resumed.errors.contains("step-0000000012.h5: its name says step 12, but it holds the state after step 0"),
            "\(resumed.errors)")
        #expect(try small.newest("run").progress?.step == 15)
        // Where no other is left, the message says what is wrong.
        for entry in small.checkpoints("run").entries { try FileManager.default.removeItem(atPath: entry.path) }
        try FileManager.default.removeItem(atPath: small.checkpoints("run").best)
        try checkpoint.write(to: small.checkpoints("run").file(step: 12))
        let alone = try zoo(small.resume("run", ["--epochs", "4"]))
        #expect(alone.status == 1 && alone.errors.contains("call it step-0000000000.h5"), "\(alone.errors)")
    }

    /// A file that the zoo wrote in the middle of an epoch before version 2 of the format.
    @Test func aCheckpointOfVersionOneGoesOn() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/version-1-run.h5").path
        let folder = try TemporaryFolder()
        let checkpoints = folder.path + "/checkpoints"
        try FileManager.default.createDirectory(atPath: checkpoints, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder.path + "/pictures", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: file, toPath: checkpoints + "/step-0000000004.h5")
        let resumed = try zoo("train", "--resume", folder.path, "--steps", "6", "-q")
        #expect(resumed.status == 0, "\(resumed.errors)")
        let checkpoint = try Checkpoint.read(from: checkpoints + "/step-0000000006.h5")
        #expect(checkpoint.progress?.batchesInEpoch == 6)
        #expect(checkpoint.progress?.imagesSeenInEpoch == 6 * 16)
    }

    @Test func provenanceIsToldAndKept() throws {
        let small = try SmallRun()
        let said = ["--notes", "größer", "--license", "CC-BY-4.0"]
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 1), said)).status == 0)
        #expect(try zoo(small.resume("run", ["--epochs", "2"])).status == 0)
        let provenance = try small.newest("run").provenance
        #expect(provenance["notes"] == "größer" && provenance["license"] == "CC-BY-4.0")
        #expect(provenance["splits"] == "36 train, 0 validation, 4 test")
        for key in ["tool", "time", "engine", "instruction_set", "threads", "precision", "preprocessing"] {
            #expect(provenance[key]?.isEmpty == false, "\(key)")
        }
        #expect(try small.newest("run").datasetDigest?.count == 64)
    }

    @Test(arguments: [
        (["--resume", "x", "--seed", "1"], "it takes no --seed"),
        (["--resume", "x", "--init-from", "y"], "--init-from"),
        (["tiny", "--resume", "x"], "give no other"), (["--init-partial", "mlp-vae-mnist"], "needs --init-from"),
        (["mlp-vae-mnist", "--save-every", "5"], "--save-every"),
        (["mlp-vae-mnist", "--save-every", "0steps"], "0steps"),
        (["mlp-vae-mnist", "--save-every", "ten min"], "ten min"),
        (["--resume", "/no/run"], "there is no folder /no/run"),
        ([], "give a model to train"),
    ])
    func badInput(arguments: [String], message: String) throws {
        let result = try zoo(["train"] + arguments)
        #expect(result.status == 2, "\(result.errors)")
        #expect(result.errors.contains(message), "\(result.errors)")
    }
}

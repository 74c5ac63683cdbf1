import Checkpoints
import Figures
import Foundation
import Runs
import TensorCore
import Testing
import TextSupport

@testable import ZooCommands

/// `zoo runs` over runs in every state.
@Suite struct RunsTests {
    /// Folders of a finished run, one that was cut short, one that failed and something that is no run.
    private func runs() throws -> SmallRun {
        let small = try SmallRun()
        #expect(try zoo(small.begin("runs/done", SmallRun.definition(epochs: 3))).status == 0)
        #expect(try zoo(small.begin("runs/sweep/cut", SmallRun.definition(epochs: 3))).status == 0)
        let record = "runs/sweep/cut/run.json"
        let text = try small.folder.text(record)
        try small.folder.write(text.replacing("\"finished\"", with: "\"running\""), record)
        let checkpoints = small.checkpoints("runs/sweep/cut")
        // Another file in its place: the best is a second name of the old one.
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: checkpoints.file(step: 15)), options: .atomic)
        let wild = SmallRun.definition(optimizer: "sgd: {learning_rate: 1000}").replacing("  clip_norm: 5\n", with: "")
        #expect(try zoo(small.begin("runs/wild", wild)).status == 1)
        try FileManager.default.createDirectory(
            atPath: small.folder.path + "/runs/other", withIntermediateDirectories: true)
        try small.folder.write("{\"format\": \"zoo.run/1\"}", "runs/other/run.json")
        return small
    }

    @Test(arguments: ["{\"a\": [1, 1e999]}", "1e999", "{", "[1", "{\"a\": 1} x"])
    func textsThatAreNotJSONAreToldInWords(_ text: String) {
        let error = #expect(throws: ZooError.self) { try JSONValue(parsing: text) }
        #expect(error?.message.hasPrefix("it is not JSON: ") == true)
        #expect(error?.message.contains("DecodingError") == false, "\(error?.message ?? "")")
    }

    @Test func theListSaysWhichCanGoOn() throws {
        let small = try runs()
        let path = small.folder.path + "/runs"
        let list = try zoo("runs", "list", path)
        #expect(list.status == 0)
        #expect(list.lines.count == 4 && list.lines[0].hasPrefix("RUN"))
        #expect(list.errors.contains("other/run.json: fields are missing or wrong: "), "\(list.errors)")
        let cut = try #require(list.lines.first { $0.contains("sweep/cut") })
        #expect(cut.contains("interrupted") && cut.contains("3/3") && cut.hasSuffix("step 10"), "\(cut)")
        let done = try #require(list.lines.first { $0.contains("runs/done") })
        #expect(done.contains("finished") && done.contains("15/15") && done.hasSuffix("–"), "\(done)")
        let wild = try #require(list.lines.first { $0.contains("runs/wild") })
        #expect(wild.contains("failed") && wild.hasSuffix("step 0"), "\(wild)")

        let json = try #require(try zoo("runs", "list", path, "--json").json() as? [[String: Any]])
        #expect(json.count == 3)
        #expect(json.compactMap { $0["resumes_from_step"] as? Int } == [10, 0])
        #expect(json.allSatisfy { ($0["record"] as? [String: Any])?["format"] as? String == "zoo.run/1" })
    }

    @Test func aRunIsShown() throws {
        let small = try runs()
        let path = small.folder.path + "/runs/sweep/cut"
        let picture = small.folder.path + "/curves.png"
        let shown = try zoo("runs", "show", path, "--output", picture)
        #expect(shown.status == 0, "\(shown.errors)")
        for text in [
            "small-vae (vae)", "interrupted; zoo train --resume \(path) resumes from step 10",
            "3 of 3 epochs, 15 of 15 steps of 8 images", "best.h5", "whole", "step-0000000015.h5",
        ] { #expect(shown.output.contains(text), "\(text): \(shown.output)") }
        let curve = try #require(shown.lines.first { $0.hasPrefix("    train ") })
        #expect(curve.contains("█") && curve.contains("▁") && curve.contains(" → "), "\(curve)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: picture)).starts(with: [0x89, 0x50, 0x4E, 0x47]))

        let object = try zoo("runs", "show", path, "--json").object()
        let checkpoints = try #require(object["checkpoints"] as? [[String: Any]])
        #expect(checkpoints.map { $0["whole"] as? Bool } == [false, true, true, true])
        #expect((object["epochs"] as? [Any])?.count == 3)
        #expect(object["resumable"] as? Bool == true)
        let failed = try zoo("runs", "show", small.folder.path + "/runs/wild")
        #expect(failed.output.contains("failure") && failed.output.contains("step-0000000000.h5"), "\(failed.output)")
    }

    @Test func aDamagedLineOfTheMetricsLeavesTheOthers() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 3))).status == 0)
        var lines = try small.folder.text("run/metrics.jsonl").split(separator: "\n").map(String.init)
        let second = try #require(lines.indices.filter { lines[$0].contains("\"epoch\":") }.dropFirst().first)
        lines[second] = lines[second].replacing("\"train\":{\"loss\":", with: "\"train\":{\"lost\":")
        // Empty lines count, and say nothing.
        try small.folder.write("\n\n" + lines.joined(separator: "\n") + "\n", "run/metrics.jsonl")
        let shown = try zoo("runs", "show", small.folder.path + "/run", "--json")
        #expect(
            shown.errors.contains("metrics.jsonl: line \(second + 3) of the metrics: losses without loss"),
            "\(shown.errors)")
        let epochs = try #require(try shown.object()["epochs"] as? [[String: Any]])
        #expect(epochs.compactMap { $0["epoch"] as? Int } == [1, 3])
    }

    @Test func aRunUnderWayIsRunning() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 1))).status == 0)
        let folder = RunFolder(path: small.folder.path + "/run")
        let lock = try folder.lock()
        let shown = try zoo("runs", "show", folder.path)
        #expect(shown.output.contains("running: process \(ProcessInfo.processInfo.processIdentifier) since"))
        #expect(try zoo("runs", "show", folder.path, "--json").object()["state"] as? String == "running")
        _ = consume lock
        #expect(try zoo("runs", "show", folder.path, "--json").object()["state"] as? String == "finished")
    }

    /// Less than an epoch: steps instead of epochs, the same number everywhere, and an animation.
    @Test func aShortRunHasCurvesAndPictures() throws {
        let folder = try TemporaryFolder()
        let text = FewSprites.definition.replacing("batch_size: 16", with: "batch_size: 4")
        let run = folder.path + "/run"
        let trained = try FewSprites.zoo(
            "train", try folder.write(text, "tiny.yaml"), "--steps", "12", "--run-dir", run, "--save-every", "8steps")
        #expect(trained.status == 0, "\(trained.errors)")
        #expect(trained.errors.contains("step-0000000012.h5 (the run has "))
        #expect(
            trained.errors.contains(" on average  test ") && trained.errors.contains(" (at the end: reconstruction "))
        for file in [
            "pictures/samples-epoch-0001-step-0000000010.png", "pictures/samples-epoch-0001.png", "training.gif",
        ] {
            #expect(FileManager.default.fileExists(atPath: run + "/" + file), "\(file)")
        }
        let list = try zoo("runs", "list", folder.path)
        #expect(list.lines[1].contains(" 0.75/0.75 ") && list.lines[1].contains(" 12/12 "), "\(list.output)")
        let shown = try zoo("runs", "show", run, "--output", folder.path + "/curves.svg")
        #expect(shown.output.contains("0.75 of 0.75 epochs, 12 of 12 steps"))
        #expect(shown.lines.contains { $0.hasPrefix("step-0000000012.h5") && $0.contains(" 0.75 ") }, "\(shown.output)")
        #expect(shown.lines.contains { $0.hasPrefix("step-0000000008.h5") && $0.contains(" 0.5 ") }, "\(shown.output)")
        #expect(shown.lines.contains { $0.hasPrefix("best.h5") && $0.contains("the same file as step-0000000012.h5") })
        #expect(shown.lines.contains { $0.hasPrefix("    train, by steps ") && $0.contains("→") })
        let curves = try RunOverview(RunFolder(path: run)).curves
        #expect(curves.xLabel == "step" && curves.series.map(\.name) == ["train", "test"])
        #expect(
            curves.series[0].points.map(\.x) == (1...12).map(Double.init) && curves.series[1].points.map(\.x) == [12])
        let steps = try #require(try zoo("runs", "show", run, "--json").object()["steps"] as? [[String: Any]])
        #expect(steps.compactMap { $0["step"] as? Int } == Array(1...12))
    }

    @Test func theSizeOfARunCountsAFileOnce() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        try FileManager.default.createDirectory(atPath: run + "/checkpoints", withIntermediateDirectories: true)
        try folder.write(String(repeating: "x", count: 700), "run/checkpoints/a")
        try FileManager.default.linkItem(atPath: run + "/checkpoints/a", toPath: run + "/checkpoints/b")
        try folder.write(String(repeating: "x", count: 50), "run/c")
        #expect(RunFolder(path: run).byteCount == 750)
    }

    @Test func aRunUnderWayShowsItsSteps() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 1))).status == 0)
        let record = try small.folder.text("run/run.json")
        try small.folder.write(record.replacing("\"steps_done\": 5", with: "\"steps_done\": 0"), "run/run.json")
        let folder = RunFolder(path: small.folder.path + "/run")
        let lock = try folder.lock()
        func steps() throws -> Int? {
            let runs = try zoo("runs", "list", folder.path, "--json").json() as? [[String: Any]]
            return (runs?.first?["record"] as? [String: Any])?["steps_done"] as? Int
        }
        #expect(try steps() == 5)
        _ = consume lock
        #expect(try steps() == 0)
    }

    @Test func badInput() throws {
        let folder = try TemporaryFolder()
        let missing = try zoo("runs", "list", "/no/such/folder")
        #expect(missing.status == 2 && missing.errors.contains("No such file or directory"), "\(missing.errors)")
        let empty = try zoo("runs", "list", folder.path)
        #expect(empty.status == 0 && empty.output.isEmpty && empty.errors.contains("no runs in"))
        let none = try zoo("runs", "show", folder.path)
        #expect(none.status == 2 && none.errors.contains("is no run"))
        try folder.write("{\"format\": 1", "run.json")
        let broken = try zoo("runs", "show", folder.path)
        #expect(broken.status == 1 && broken.errors.contains("run.json: it is not JSON"), "\(broken.errors)")
        try folder.write(String(repeating: " ", count: 5 << 20) + "{}", "run.json")
        let long = try zoo("runs", "show", folder.path)
        #expect(long.status == 1 && long.errors.contains("at most 4194304 are read"), "\(long.errors)")
        // What cannot be looked into is said, and not taken for a folder without runs.
        let closed = folder.path + "/closed"
        #expect(symlink("closed", closed) == 0)
        for arguments in [["runs", "show", closed], ["sample", closed], ["train", "--resume", closed]] {
            let result = try zoo(arguments)
            #expect(
                result.status == 1 && result.errors.contains("Too many levels of symbolic links"), "\(result.errors)")
        }
        #expect(unlink(folder.path + "/run.json") == 0)
        #expect(try zoo("runs", "list", folder.path).errors.contains("cannot look at \(closed)"))
        let run = try RunFolder.make(folder.path + "/run")
        #expect(rmdir(run.checkpoints.path) == 0 && symlink("checkpoints", run.checkpoints.path) == 0)
        try folder.write("", "run/run.json")
        let files = try zoo("sample", run.path)
        #expect(files.status == 1 && files.errors.contains("cannot look"), "\(files.errors)")
        let other = try zoo("runs", "shwo", folder.path)
        #expect(other.status == 2 && other.errors.contains("did you mean zoo runs show?"))
    }

    @Test func recordsComeBack() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("run", SmallRun.definition(epochs: 2))).status == 0)
        let text = try small.folder.text("run/run.json")
        let back = try RunRecord(json: JSONValue(parsing: text)).json.text()
        func object(_ text: String) throws -> NSDictionary? {
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary
        }
        #expect(try object(back) == object(text))
    }

    @Test(
        arguments: [
            ([1, 2, 3, 4, 5, 6, 7, 8], "▁▂▃▄▅▆▇█"), ([5, 5, 5], "▁▁▁"), ([.nan, 1, .infinity, 2], " ▁ █"), ([], ""),
            ([-1e308, 1e308], "▁█"), ([.nan], " "),
        ] as [([Double], String)])
    func sparklines(values: [Double], text: String) {
        #expect(Sparkline.text(values) == text)
    }

    @Test func longSparklinesAreAveraged() {
        #expect(Sparkline.text((0..<1000).map(Double.init), width: 8) == "▁▂▃▄▅▆▇█")
    }

    @Test(arguments: [
        (["trian"], "zoo has no command trian\n  did you mean zoo train?"),
        (["data", "lst"], "did you mean zoo data list?"),
        (["xyzzy-plugh"], "`zoo --help` shows all commands"),
        (["convert", "exprot"], "did you mean zoo convert export?"),
        (["inspect", "model.h5"], "did you mean zoo convert inspect?"),
    ])
    func misspeltCommands(arguments: [String], message: String) throws {
        let result = try zoo(arguments)
        #expect(result.status == 2 && result.errors.contains(message), "\(result.errors)")
    }

    @Test(arguments: [["--help"], ["help", "train"], ["data", "--help"], ["--version"], ["runs"]])
    func helpIsNoMisspelling(arguments: [String]) throws {
        #expect(try zoo(arguments).status == 0)
    }
}

/// `zoo bench --checkpoint` prints figures; how good they are depends on the machine.
@Suite struct CheckpointBenchTests {
    @Test func savingAndLoadingAreMeasured() throws {
        let result = try zoo("bench", "mlp-vae-mnist", "--checkpoint", "--seconds", "0.01", "--json")
        let figures = try #require(try result.json() as? [[String: Any]])
        #expect(figures.count == 1 && figures[0]["bytes"] as? Int ?? 0 > 1_000_000, "\(result.errors)")
        for name in ["save_seconds", "load_seconds"] { #expect(figures[0][name] as? Double ?? 0 > 0) }
        let table = try zoo("bench", "mlp-vae-mnist", "--checkpoint", "--seconds", "0.01")
        #expect(table.lines.count == 2 && table.lines[1].hasPrefix("mlp-vae-mnist"))
    }
}

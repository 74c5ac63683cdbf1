import Checkpoints
import Foundation
import TensorCore
import Testing

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
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: checkpoints.file(step: 15)))
        let wild = SmallRun.definition(optimizer: "sgd: {learning_rate: 1000}").replacing("  clip_norm: 5\n", with: "")
        #expect(try zoo(small.begin("runs/wild", wild)).status == 1)
        try FileManager.default.createDirectory(
            atPath: small.folder.path + "/runs/other", withIntermediateDirectories: true)
        try small.folder.write("{\"format\": \"zoo.run/1\"}", "runs/other/run.json")
        return small
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
            "small-vae (vae)", "interrupted; zoo train --resume \(path) goes on from step 10",
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
        lines[1] = lines[1].replacing("\"train\":{\"loss\":", with: "\"train\":{\"lost\":")
        try small.folder.write(lines.joined(separator: "\n") + "\n", "run/metrics.jsonl")
        let shown = try zoo("runs", "show", small.folder.path + "/run", "--json")
        #expect(shown.errors.contains("metrics.jsonl: line 2 of the metrics: losses without loss"), "\(shown.errors)")
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

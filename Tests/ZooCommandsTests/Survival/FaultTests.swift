import Checkpoints
import FileSupport
import Foundation
import Glibc
import Interchange
import Runs
import TensorCore
import Testing

/// What the system refuses: room, the right to write, the folder of another process.
@Suite(.serialized) struct FaultTests {
    /// A limit on the size of files (`ulimit -f`) ends a run with an error; without the limit it goes on.
    @Test func aFileSizeLimitLosesNothing() throws {
        let small = try SmallRun()
        let definition = SmallRun.definition(width: 200, epochs: 2)
        let straight = try ZooProcess(small.begin("straight", definition)).finish()
        #expect(straight.status == 0, "\(straight.errors)")
        let begun = try ZooProcess(small.begin("run", definition, ["--steps", "7"])).finish()
        #expect(begun.status == 0, "\(begun.errors)")
        let before = small.checkpoints("run").entries
        let size = try FileManager.default.attributesOfItem(atPath: before[0].path)[.size] as? Int ?? 0
        let limit = ["/bin/bash", "-c", "ulimit -f \(size / 2048); exec \"$@\"", "bash"]
        let failed = try ZooProcess(small.resume("run", ["--steps", "10"]), wrapper: limit).finish()
        #expect(failed.status == 1, "\(failed)")
        #expect(failed.errors.contains("was not saved: could not reserve"), "\(failed.errors)")
        #expect(failed.errors.contains("File too large"), "\(failed.errors)")
        #expect(small.checkpoints("run").entries == before)
        #expect(try small.newest("run").progress?.step == 7)
        #expect(try FolderListing.names(in: small.checkpoints("run").path).allSatisfy { !AtomicFile.isTemporary($0) })
        let resumed = try ZooProcess(small.resume("run", ["--steps", "10"])).finish()
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(try small.newest("run").progress?.step == 10)
    }

    /// A limit on the size of files is told of all that is written, results in a file in place of the terminal included.
    @Test(arguments: [["list"], ["sample", "pretrained:mlp-vae-mnist-2d", "--count", "4", "--output", "x.png"]])
    func aFileSizeLimitIsTold(arguments: [String]) throws {
        let folder = try TemporaryFolder()
        let limit = ["/bin/bash", "-c", "cd \(folder.path); ulimit -f 0; exec \"$@\" > out", "bash"]
        let result = try ZooProcess(arguments, wrapper: limit).finish()
        #expect(result.status == 1, "\(result)")
        #expect(result.errors.contains("File too large"), "\(result)")
    }

    /// Results that could not be written are no success.
    @Test(arguments: [["list"], ["show", "mlp-vae-mnist", "--json"], ["--help"]])
    func aFullOutputIsAnError(arguments: [String]) throws {
        let full = ["/bin/bash", "-c", "exec \"$@\" > /dev/full", "bash"]
        let result = try ZooProcess(arguments, wrapper: full).finish()
        #expect(result.status == 1, "\(result)")
        #expect(result.errors.contains("No space left on device"), "\(result)")
    }

    /// Data that are cut short while a run reads them end it with a sentence, and what was trained is saved.
    @Test func aFileOfDataThatIsCutShort() throws {
        let folder = try TemporaryFolder()
        let (file, run) = (folder.path + "/x.npz", folder.path + "/run")
        let values = (0..<3000).map { Float($0 * 37 % 101) }
        let bytes = try NumPyArchive.encode(
            [NamedTensor(path: "x", shape: [1000, 3], values: values)], definition: "")
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        let options = ["--array", file, "--batch-size", "8", "--threads", "1", "-q"]
        let process = try ZooProcess(
            ["train", "mlp-vae-points", "--epochs", "1000000", "--save-every", "20steps", "--run-dir", run] + options)
        var checkpoints = CheckpointFolder(path: run + "/checkpoints")
        let deadline = ContinuousClock.now + .seconds(60)
        while checkpoints.entries.count < 2, process.isRunning, ContinuousClock.now < deadline { usleep(10_000) }
        #expect(truncate(file, 1000) == 0)
        let ended = process.finish()
        #expect(ended.status == 1 && ended.errors.contains("of x can no longer be read: the file ended"), "\(ended)")
        let record = try RunFolder(path: run).record()
        #expect(record.status == .failed && record.message?.contains("can no longer be read") == true)
        let step = try #require(try checkpoints.newest().checkpoint.progress?.step)
        // Not only what was saved at intervals.
        #expect(step > 0 && record.checkpoint == checkpoints.file(step: step))
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        let resumed = try ZooProcess(
            ["train", "--resume", run, "--steps", "\(step + 5)"] + options.filter { $0 != "8" && $0 != "--batch-size" }
        )
        .finish()
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(try checkpoints.newest().checkpoint.progress?.step == step + 5)
    }

    /// A name that is not UTF-8 would become another one.
    @Test func namesThatAreNotUTF8AreRefused() throws {
        let folder = try TemporaryFolder()
        let wrapper = ["/bin/bash", "-c", "exec \"$@\" --run-dir \"\(folder.path)/$(printf 'a\\377b')\"", "bash"]
        let result = try ZooProcess(["train", "mlp-vae-mnist", "--steps", "1"], wrapper: wrapper).finish()
        #expect(result.status == 2 && result.errors.contains("is not UTF-8"), "\(result)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    /// A folder that may not be written to: a clear error, nothing changed. Root may write anywhere, so the test becomes
    /// somebody else.
    @Test(.enabled(if: geteuid() != 0 || FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")))
    func aReadOnlyFolderLosesNothing() throws {
        let small = try SmallRun()
        let begun = try ZooProcess(small.begin("run", SmallRun.definition(epochs: 1))).finish()
        #expect(begun.status == 0, "\(begun.errors)")
        let path = small.folder.path
        chmod(path, 0o755)
        let folders = ["\(path)/run/checkpoints", "\(path)/run/pictures", "\(path)/run"]
        for folder in folders { chmod(folder, 0o555) }
        chmod("\(path)/run/.lock", 0o666)
        defer { for folder in folders { chmod(folder, 0o755) } }
        let names = try FolderListing.names(in: "\(path)/run/checkpoints")
        let nobody = geteuid() == 0 ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
        let resumed = try ZooProcess(small.resume("run", ["--epochs", "2"]), wrapper: nobody).finish()
        #expect(resumed.status == 1, "\(resumed)")
        #expect(resumed.errors.contains("Permission denied"), "\(resumed.errors)")
        #expect(try FolderListing.names(in: "\(path)/run/checkpoints") == names)
        let inside = try small.begin("run/inside", SmallRun.definition(epochs: 1))
        let new = try ZooProcess(inside, wrapper: nobody).finish()
        #expect(new.status == 1 && new.errors.contains("cannot make the folder"), "\(new)")
        #expect(try small.newest("run").progress?.epoch == 1)
    }

    /// Two processes that train in one folder: the second is refused while the first is alive, and may go on when the
    /// first was killed.
    @Test func aSecondWriterIsRefused() throws {
        let small = try SmallRun()
        let endless = SmallRun.definition(epochs: 1_000_000)
        let first = try ZooProcess(small.begin("run", endless, ["--save-every", "1steps"]))
        defer { _ = first.kill() }
        var folder = small.checkpoints("run")
        let deadline = ContinuousClock.now + .seconds(60)
        while folder.entries.isEmpty, ContinuousClock.now < deadline { usleep(10_000) }
        for command in [try small.begin("run", endless), small.resume("run")] {
            let second = try ZooProcess(command).finish()
            #expect(second.status == 2, "\(second)")
            #expect(second.errors.contains("is in use: process "), "\(second.errors)")
            #expect(first.isRunning)
        }
        #expect(first.kill())
        let before = try folder.newest().checkpoint.progress?.step ?? 0
        let again = try ZooProcess(small.begin("run", endless)).finish()
        #expect(again.status == 2 && again.errors.contains("holds a run already"), "\(again)")
        let resumed = try ZooProcess(small.resume("run", ["--steps", "\(before + 3)"])).finish()
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(try folder.newest().checkpoint.progress?.step == before + 3)
    }

    /// Two that begin in the same folder at the same time: one trains, the other is refused.
    @Test func onlyOneOfTwoBegins() throws {
        let small = try SmallRun()
        let definition = SmallRun.definition(epochs: 3)
        for round in 0..<repetitions(2, full: 20) {
            let command = try small.begin("run-\(round)", definition)
            let both = try [ZooProcess(command), ZooProcess(command)].map { $0.finish() }
            #expect(both.map(\.status).sorted() == [0, 2], "\(both)")
            #expect(try small.newest("run-\(round)").progress?.epoch == 3)
        }
    }
}

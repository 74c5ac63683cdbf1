import Checkpoints
import FileSupport
import Foundation
import Glibc
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

    /// Results that could not be written are no success.
    @Test(arguments: [["list"], ["show", "mlp-vae-mnist", "--json"], ["--help"]])
    func aFullOutputIsAnError(arguments: [String]) throws {
        let full = ["/bin/bash", "-c", "exec \"$@\" > /dev/full", "bash"]
        let result = try ZooProcess(arguments, wrapper: full).finish()
        #expect(result.status == 1, "\(result)")
        #expect(result.errors.contains("No space left on device"), "\(result)")
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

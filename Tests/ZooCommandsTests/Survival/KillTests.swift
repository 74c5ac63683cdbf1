import Checkpoints
import FileSupport
import Foundation
import Glibc
import Runs
import TensorCore
import Testing

/// `zoo train` in a process of its own, killed at moments that chance decides, and resumed.
@Suite(.serialized) struct KillTests {
    /// Killed again and again, a run ends with the same bits and the same metrics as one that is left alone.
    @Test(arguments: SmallRun.optimizers, SmallRun.precisions)
    func aKilledRunEndsInTheSameState(optimizer: String, precision: [String]) throws {
        try killAgainAndAgain(
            SmallRun(), SmallRun.definition(optimizer: optimizer, epochs: 8), precision,
            kills: repetitions(2, full: 13),
            "\(optimizer) \(precision)")
    }

    /// So does a run of every family: discriminators, codebooks, priors that learn, pseudo-inputs, labels.
    @Test(arguments: SmallRun.families.keys.sorted()) func aKilledRunOfAFamilyEndsInTheSameState(_ family: String)
        throws
    {
        try killAgainAndAgain(
            SmallRun(classCount: 2), SmallRun.definition(family: family, epochs: 8), [], kills: repetitions(1, full: 5),
            family)
    }

    private func killAgainAndAgain(
        _ small: SmallRun, _ definition: String, _ options: [String], kills limit: Int, _ what: String
    ) throws {
        let options = ["--save-every", "3steps"] + options
        let clock = ContinuousClock()
        let began = clock.now
        #expect(try ZooProcess(small.begin("straight", definition, options)).finish().status == 0)
        let duration = (clock.now - began) / 1.0
        var watch = Watch(small)
        var kills = 0
        var round = 0
        while kills < limit {
            round += 1
            let name = "killed-\(round)"
            var command = try small.begin(name, definition, options)
            while true {
                let process = try ZooProcess(command)
                try wait(duration * Double.random(in: 0.1...0.9))
                if process.kill() { kills += 1 } else { break }
                // Killed before the first save, there is nothing to go on with: the run begins again.
                guard try watch.nothingIsLost(in: name) else {
                    try? FileManager.default.removeItem(atPath: small.folder.path + "/" + name)
                    continue
                }
                command = small.resume(name)
            }
            try small.expectSame("straight", name, "\(what), round \(round), \(kills) kills")
            watch = Watch(small)
        }
        print("\(what): \(kills) kills in \(round) runs, all ended in the same state")
    }

    /// A sweep that is killed cannot stop the processes that train for it: they save and stop by themselves.
    @Test func theProcessesOfAKilledSweepEnd() throws {
        let small = try SmallRun()
        let file = try small.folder.write(SmallRun.definition(epochs: 100_000), "endless.yaml")
        let output = small.folder.path + "/sweep"
        let command = [
            "sweep", file, "--output", output, "--vary", "latent.size=2,3", "--jobs", "2", "--image-folder",
            small.pictures, "--threads", "1", "-q",
        ]
        let runs = [2, 3].map { RunFolder(path: "\(output)/latent.size=\($0)") }
        func wait(_ isReached: () throws -> Bool) rethrows -> Bool {
            let deadline = ContinuousClock.now + .seconds(60)
            while try !isReached(), ContinuousClock.now < deadline { usleep(20_000) }
            return try isReached()
        }
        let process = try ZooProcess(command)
        #expect(wait { runs.allSatisfy { ($0.checkpoints.entries.last?.step ?? 0) > 0 } || !process.isRunning })
        #expect(runs.allSatisfy { $0.writer != nil })
        #expect(process.kill())
        #expect(wait { runs.allSatisfy { $0.writer == nil } })
        for run in runs {
            #expect(try run.record().status == .interrupted)
            #expect(try run.record().steps == run.checkpoints.entries.last?.step)
        }
    }

    /// Killed before its first epoch has ended, a run goes on from the state before the first step.
    @Test func aRunKilledBeforeItsFirstSaveGoesOn() throws {
        let small = try SmallRun()
        let definition = SmallRun.definition(epochs: 2)
        #expect(try ZooProcess(small.begin("straight", definition)).finish().status == 0)
        #expect(small.checkpoints("straight").entries.map(\.step) == [5, 10])
        let process = try ZooProcess(small.begin("killed", definition))
        let deadline = ContinuousClock.now + .seconds(60)
        while small.checkpoints("killed").entries.isEmpty, process.isRunning, ContinuousClock.now < deadline {}
        #expect(process.kill())
        #expect(small.checkpoints("killed").entries.first?.step == 0)
        let resumed = try ZooProcess(small.resume("killed")).finish()
        #expect(resumed.status == 0, "\(resumed.errors)")
        try small.expectSame("straight", "killed", "killed before the first save")
        #expect(small.checkpoints("killed").entries.map(\.step) == [5, 10])
    }

    /// What killed processes have not put in place goes when the run goes on, wherever it is.
    @Test func unfinishedFilesAreRemoved() throws {
        let small = try SmallRun()
        #expect(try ZooProcess(small.begin("run", SmallRun.definition(epochs: 1))).finish().status == 0)
        let names = [
            ".run.json.tmp.12.a1", "pictures/.samples-epoch-0001.png.tmp.12.b2", "checkpoints/.best.h5.tmp.12.c3",
        ]
        for name in names { try small.folder.write("half", "run/\(name)") }
        #expect(try ZooProcess(small.resume("run", ["--epochs", "2"])).finish().status == 0)
        for name in names { #expect(!FileManager.default.fileExists(atPath: "\(small.folder.path)/run/\(name)")) }
    }

    /// A terminal that closes, Ctrl-\, and a batch system before the end of its time (SIGUSR1) save as Ctrl-C does.
    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1]) func signalsSave(number: Int32) throws {
        let small = try SmallRun()
        let process = try ZooProcess(small.begin("run", SmallRun.definition(epochs: 1_000_000)))
        try waitForAnEpoch(small, process)
        process.send(number)
        let end = process.finish()
        #expect(end.status == 130, "\(end)")
        #expect(!end.errors.contains("rash"), "no crash report: \(end.errors)")
        #expect(try small.folder.text("run/run.json").contains("\"interrupted\""))
        #expect(try small.newest("run").progress != nil)
    }

    /// `--stop-after` saves and stops, to be resumed.
    @Test func aTimeLimit() throws {
        let small = try SmallRun()
        let begin = try small.begin("run", SmallRun.definition(epochs: 1_000_000), ["--stop-after", "1s"])
        let clock = ContinuousClock()
        let began = clock.now
        #expect(try ZooProcess(begin).finish().status == 130)
        #expect(clock.now - began < .seconds(30))
        #expect(try small.folder.text("run/run.json").contains("\"interrupted\""))
        let step = try #require(try small.newest("run").progress).step
        #expect(step > 0)
        #expect(try ZooProcess(small.resume("run", ["--stop-after", "1s"])).finish().status == 130)
        #expect(try #require(try small.newest("run").progress).step > step)
        for wrong in ["3", "10steps", "soon"] {
            #expect(try zoo(begin.dropLast() + [wrong]).status == 2, "\(wrong)")
        }
    }

    /// `nohup zoo train …` survives its terminal.
    @Test func anIgnoredSignalStaysIgnored() throws {
        let small = try SmallRun()
        let process = try ZooProcess(
            small.begin("run", SmallRun.definition(epochs: 1_000_000)),
            wrapper: ["/bin/bash", "-c", "trap '' HUP; exec \"$@\"", "bash"])
        try waitForAnEpoch(small, process)
        process.send(SIGHUP)
        let before = small.checkpoints("run").entries.last?.step ?? 0
        let deadline = ContinuousClock.now + .seconds(60)
        while small.checkpoints("run").entries.last?.step ?? 0 <= before, process.isRunning,
            ContinuousClock.now < deadline
        { usleep(10_000) }
        #expect(process.isRunning)
        #expect(process.kill())
    }

    private func waitForAnEpoch(_ small: SmallRun, _ process: ZooProcess) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while small.checkpoints("run").entries.last?.step ?? 0 == 0, process.isRunning, ContinuousClock.now < deadline {
            usleep(10_000)
        }
        try #require(process.isRunning)
    }

    /// Killed while a file is being saved: a process that saves after every step, with a model of some megabytes.
    @Test func aKillDuringASaveLosesNothing() throws {
        let small = try SmallRun()
        let definition = SmallRun.definition(width: 4_000, epochs: 1_000_000)
        var command = try small.begin("run", definition, ["--save-every", "1steps"])
        var watch = Watch(small)
        var (kills, duringSaves) = (0, 0)
        while duringSaves < repetitions(2, full: 200) {
            let process = try ZooProcess(command)
            let folder = small.checkpoints("run").path
            let deadline = ContinuousClock.now + .seconds(60)
            // From the second save on, at any moment of a save and the step after it.
            var saves = 0
            var wasSaving = false
            while saves < 2, process.isRunning, ContinuousClock.now < deadline {
                let isSaving = (try? FolderListing.names(in: folder))?.contains(where: AtomicFile.isTemporary) == true
                if isSaving, !wasSaving { saves += 1 }
                wasSaving = isSaving
            }
            try wait(.microseconds(Int.random(in: 0...20_000)))
            #expect(process.kill(), "the run ended by itself: \(process.finish().errors)")
            kills += 1
            let left = try FolderListing.names(in: folder).filter(AtomicFile.isTemporary)
            if !left.isEmpty { duringSaves += 1 }
            #expect(try watch.nothingIsLost(in: "run"))
            command = small.resume("run")
        }
        print("\(kills) kills, \(duringSaves) of them during a save: nothing was lost")
        let steps = small.checkpoints("run").entries.map(\.step)
        let end = try ZooProcess(small.resume("run", ["--steps", "\((steps.last ?? 0) + 1)"])).finish()
        #expect(end.status == 0, "\(end.errors)")
        #expect(try FolderListing.names(in: small.checkpoints("run").path).allSatisfy { !AtomicFile.isTemporary($0) })
    }

    private func wait(_ duration: Duration) throws {
        let parts = duration.components
        usleep(UInt32(Double(parts.seconds) * 1e6 + Double(parts.attoseconds) * 1e-12))
    }

    /// What was whole in a run's folder at the last look.
    private struct Watch {
        let small: SmallRun
        var newest = -1
        var count = 0

        init(_ small: SmallRun) {
            self.small = small
        }

        /// Looks at the folder of a run: every file with a checkpoint's name is whole, the newest is no older than before, and
        /// of those seen before the last three are not fewer. False when nothing has been saved yet.
        mutating func nothingIsLost(in name: String) throws -> Bool {
            var folder = small.checkpoints(name)
            let entries = folder.entries
            for entry in entries { #expect(throws: Never.self) { try Checkpoint.read(from: entry.path) } }
            if FileManager.default.fileExists(atPath: folder.best) {
                #expect(throws: Never.self) { try Checkpoint.read(from: folder.best) }
            }
            guard let last = entries.last else {
                #expect(newest == -1, "all checkpoints of \(name) are gone")
                return false
            }
            #expect(try folder.newest().rejected.isEmpty)
            #expect(last.step >= newest)
            #expect(entries.count >= min(3, count))
            newest = last.step
            count = entries.count
            return true
        }
    }
}

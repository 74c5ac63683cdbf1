import Checkpoints
import Foundation
import Glibc
import TensorCore
import TestSupport
import Testing

@testable import FileSupport

/// What is kept, what is found again, and that no failure loses what was whole.
@Suite struct CheckpointFolderTests {
    private func checkpoint(step: Int) -> Checkpoint {
        var checkpoint = Samples.small()
        checkpoint.progress?.step = step
        return checkpoint
    }

    private func damage(_ path: String) throws {
        var bytes = try Samples.bytes(of: path)
        bytes[bytes.count / 2] ^= 1
        try writePlainly(bytes, path)
    }

    @Test func theNewestThreeAndTheBestAreKept() throws {
        try withTemporaryFolder { path in
            var folder = CheckpointFolder(path: path)
            for step in 1...6 { try folder.save(checkpoint(step: step), step: step, isBest: step == 2) }
            #expect(folder.entries.map(\.step) == [4, 5, 6])
            #expect(try Checkpoint.read(from: folder.best).progress?.step == 2)
            let newest = try folder.newest()
            #expect(newest.path == folder.file(step: 6) && newest.checkpoint == checkpoint(step: 6))
            #expect(newest.rejected.isEmpty)
        }
    }

    @Test func theBestIsASecondNameOfItsStep() throws {
        func number(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
        }
        try withTemporaryFolder { path in
            var folder = CheckpointFolder(path: path)
            try folder.save(checkpoint(step: 1), step: 1, isBest: true)
            #expect(try number(folder.best) == number(folder.file(step: 1)))
            try folder.save(checkpoint(step: 2), step: 2)
            #expect(try number(folder.best) != number(folder.file(step: 2)))
            // Where there are no second names it is a copy.
            let operations = FailingOperations(.inputOutput, at: 0)
            operations.failingName = "link"
            try folder.save(checkpoint(step: 3), step: 3, isBest: true, using: operations)
            #expect(try number(folder.best) != number(folder.file(step: 3)))
            #expect(try Checkpoint.read(from: folder.best) == Checkpoint.read(from: folder.file(step: 3)))
        }
    }

    @Test func theStateBeforeTheFirstStepIsKeptUntilThereIsALaterOne() throws {
        try withTemporaryFolder { path in
            var folder = CheckpointFolder(path: path)
            try folder.save(checkpoint(step: 0), step: 0)
            #expect(folder.entries.map(\.step) == [0])
            try folder.save(checkpoint(step: 5), step: 5)
            #expect(folder.entries.map(\.step) == [5])
        }
    }

    @Test func stepsAreOrderedAsNumbers() throws {
        try withTemporaryFolder { path in
            var folder = CheckpointFolder(path: path)
            for step in [9_999_999_999, 10_000_000_000, 3] { try folder.save(checkpoint(step: step), step: step) }
            #expect(folder.entries.map(\.step) == [3, 9_999_999_999, 10_000_000_000])
            #expect(try folder.newest().checkpoint.progress?.step == 10_000_000_000)
        }
    }

    @Test func damagedFilesArePassedOverAndNamed() throws {
        try withTemporaryFolder { path in
            var folder = CheckpointFolder(path: path)
            for step in 1...3 { try folder.save(checkpoint(step: step), step: step) }
            try damage(folder.file(step: 3))
            try writePlainly([], folder.file(step: 2))
            var later = CheckpointFolder(path: path)
            let newest = try later.newest()
            #expect(newest.checkpoint.progress?.step == 1)
            #expect(newest.rejected.map(\.path) == [folder.file(step: 3), folder.file(step: 2)])
            #expect(newest.rejected[0].reason.contains("step-0000000003.h5: the checkpoint is damaged"))
        }
    }

    /// With three damaged files that are newer, the only whole one must stay.
    @Test func damagedFilesDoNotPushOutWholeOnes() throws {
        try withTemporaryFolder { path in
            var folder = CheckpointFolder(path: path)
            for step in [10, 11, 12] {
                try folder.save(checkpoint(step: step), step: step)
                try damage(folder.file(step: step))
            }
            var later = CheckpointFolder(path: path)
            for step in 5...9 {
                try later.save(checkpoint(step: step), step: step)
                #expect(try later.newest().checkpoint.progress?.step == step)
            }
            #expect(later.entries.map(\.step) == [7, 8, 9, 10, 11, 12])
            for step in 13...15 { try later.save(checkpoint(step: step), step: step) }
            #expect(later.entries.map(\.step) == [13, 14, 15])
        }
    }

    /// A file of another step than its name says is as good as damaged: it is neither gone on from, nor counted.
    @Test func filesOfAnotherStepArePassedOver() throws {
        try withTemporaryFolder { path in
            var folder = CheckpointFolder(path: path)
            for step in 1...2 { try folder.save(checkpoint(step: step), step: step) }
            for named in [10, 11, 12] { try checkpoint(step: 0).write(to: folder.file(step: named)) }
            var later = CheckpointFolder(path: path)
            let newest = try later.newest()
            #expect(newest.checkpoint.progress?.step == 2)
            #expect(newest.rejected.map(\.path) == [12, 11, 10].map { folder.file(step: $0) })
            #expect(
                newest.rejected.first?.reason.hasSuffix(
                    "step-0000000012.h5: its name says step 12, but it holds the state after step 0; if it belongs to "
                        + "this run, call it step-0000000000.h5") == true, "\(newest.rejected)")
            try later.save(checkpoint(step: 3), step: 3)
            #expect(later.entries.map(\.step) == [1, 2, 3, 10, 11, 12])
            // The step that the name says is reached.
            try later.save(checkpoint(step: 10), step: 10)
            #expect(try later.newest().checkpoint.progress?.step == 10)
        }
    }

    @Test func theBestIsTheLastResort() throws {
        try withTemporaryFolder { path in
            var folder = CheckpointFolder(path: path)
            for step in 1...4 { try folder.save(checkpoint(step: step), step: step, isBest: step == 1) }
            for step in 2...4 { try damage(folder.file(step: step)) }
            #expect(try folder.newest().path == folder.best)
            try damage(folder.best)
            let error = #expect(throws: ZooError.self) { try folder.newest() }
            let reasons = error?.details ?? []
            #expect(reasons.count == 4)
            #expect(reasons.contains { $0.contains("best.h5: the checkpoint is damaged") })
            #expect(reasons.contains { $0.contains("step-0000000004.h5: the checkpoint is damaged") })
        }
    }

    @Test func anEmptyFolderSaysSo() throws {
        try withTemporaryFolder { path in
            var folder = CheckpointFolder(path: path)
            let error = #expect(throws: ZooError.self) { try folder.newest() }
            #expect(error?.message == "\(path) has no checkpoint that can be read")
        }
    }

    /// Each system call of a save fails in turn: the newest whole checkpoint is the one before or the new one, and the
    /// three that were whole before are still there unless the new one took its place.
    @Test(arguments: FailingOperations.Fault.allCases, [false, true])
    func everyFailingCallOfASaveLosesNothing(_ fault: FailingOperations.Fault, isBest: Bool) throws {
        var index = 0
        var isReached = true
        while isReached {
            try withTemporaryFolder { path in
                var folder = CheckpointFolder(path: path)
                for step in 1...3 { try folder.save(checkpoint(step: step), step: step, isBest: step == 1) }
                let operations = FailingOperations(fault, at: index)
                let saved = Result {
                    try folder.save(checkpoint(step: 4), step: 4, isBest: isBest, using: operations)
                }
                isReached = operations.isReached
                let place: Comment = "call \(index) of \(operations.calls): \(saved)"
                var later = CheckpointFolder(path: path)
                let newest = try later.newest()
                #expect(newest.rejected.isEmpty, place)
                let best = try Checkpoint.read(from: later.best)
                if case .success = saved {
                    #expect(newest.checkpoint == checkpoint(step: 4), place)
                    #expect(best == checkpoint(step: isBest ? 4 : 1), place)
                }
                let steps = later.entries.map(\.step)
                #expect(steps.suffix(3) == [2, 3, 4] || steps == [1, 2, 3], place)
                #expect(try newest.checkpoint == checkpoint(step: #require(steps.last)), place)
                #expect(best == checkpoint(step: 1) || isBest && best == checkpoint(step: 4), place)
                #expect(try Samples.names(in: path).allSatisfy { !AtomicFile.isTemporary($0) }, place)
                #expect(operations.openDescriptors.isEmpty, place)
            }
            index += 1
        }
        #expect(index > (isBest ? 15 : 13))
    }

    /// Two that write to one folder without a lock, as on a file system that has none: what is there is always whole.
    @Test func twoWritersLoseNothing() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("zoo-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        var first = CheckpointFolder(path: path)
        try first.save(checkpoint(step: 0), step: 0, isBest: true)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<2 {
                group.addTask {
                    var folder = CheckpointFolder(path: path)
                    for step in 1...40 {
                        try folder.save(checkpoint(step: step), step: step, isBest: step % 5 == writer)
                    }
                }
            }
            group.addTask {
                for _ in 0..<60 {
                    _ = try Checkpoint.read(from: path + "/best.h5")
                    var folder = CheckpointFolder(path: path)
                    // A file may go while it is looked at, but is never seen half.
                    for rejection in try folder.newest().rejected {
                        #expect(rejection.reason.contains("cannot be opened"), "\(rejection)")
                    }
                }
            }
            try await group.waitForAll()
        }
        var later = CheckpointFolder(path: path)
        #expect(try later.newest().checkpoint.progress?.step == 40)
        #expect(later.entries.allSatisfy { (try? Checkpoint.read(from: $0.path)) != nil })
    }

    @Test func unfinishedFilesAreRemoved() throws {
        try withTemporaryFolder { path in
            var folder = CheckpointFolder(path: path)
            try folder.save(checkpoint(step: 1), step: 1)
            for name in [
                ".step-0000000002.h5.tmp.123.abc9", ".best.h5.tmp.4711.0", ".keep.tmp", "a.tmp.1.b", ".x.tmp.a.b",
            ] {
                try writePlainly([1, 2], path + "/" + name)
            }
            AtomicFile.removeUnfinished(in: path)
            #expect(try Samples.names(in: path) == [".keep.tmp", ".x.tmp.a.b", "a.tmp.1.b", "step-0000000001.h5"])
        }
    }
}

@Suite struct FileLockTests {
    /// A file system that knows no locks (some network file systems) is a weakness, not an error.
    @Test(arguments: [ENOLCK, EOPNOTSUPP, ENOSYS]) func aFileSystemWithoutLocks(code: Int32) throws {
        try withTemporaryFolder { folder in
            let refusing: (Int32, Int32) -> Int32 = { _, _ in
                errno = code
                return -1
            }
            guard let lock = try FileLock.take(folder + "/.lock", note: "mine", locking: refusing) else {
                Issue.record("the lock was refused")
                return
            }
            let isWeak = lock.weakness != nil
            #expect(isWeak)
        }
    }

    @Test func aLockThatFailsIsAnError() throws {
        try withTemporaryFolder { folder in
            let error = #expect(throws: ZooError.self) {
                _ = try FileLock.take(folder + "/.lock", note: "mine") { _, _ in
                    errno = EIO
                    return -1
                }
            }
            #expect(error?.message.contains("cannot lock") == true)
        }
    }

    @Test func aPipeIsNoLockAndIsNotWaitedFor() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/.lock"
            #expect(mkfifo(path, 0o600) == 0)
            #expect(FileLock.holder(of: path) == nil)
            let error = #expect(throws: ZooError.self) { _ = try FileLock.take(path, note: "") }
            #expect(error?.message.contains("no regular file") == true)
        }
    }

    @Test func onlyOneHolds() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/.lock"
            #expect(FileLock.holder(of: path) == nil)
            do {
                let lock = try FileLock.take(path, note: "first")
                let isTaken = lock != nil
                #expect(isTaken)
                #expect(FileLock.holder(of: path) == "first")
                let isRefused = try FileLock.take(path, note: "second") == nil
                #expect(isRefused)
                #expect(FileLock.holder(of: path) == "first")
            }
            #expect(FileLock.holder(of: path) == nil)
            let third = try FileLock.take(path, note: "3")
            #expect(FileLock.holder(of: path) == "3")
            _ = consume third
        }
    }

    @Test func aFileThatCannotBeMadeIsNamed() {
        let error = #expect(throws: ZooError.self) { _ = try FileLock.take("/no/such/folder/.lock", note: "") }
        #expect(error?.message.contains("/no/such/folder/.lock: No such file or directory") == true)
    }
}

import TensorCore
import Testing

@testable import Datasets

@Suite struct SplitAndBatchTests {
    private let dataset = MemoryDataset(
        info: DatasetInfo(name: "d", title: "", summary: "", license: "", source: "", shape: [1, 1, 1]), count: 50,
        pixels: [UInt8](0..<50), splits: [.train: Array(0..<40), .test: Array(40..<50)])

    @Test func validationImagesComeFromTheTrainingImages() throws {
        let splits = try DataSplits(of: dataset, validationCount: 10, seed: 3)
        #expect(splits.validation.count == 10)
        #expect(Set(splits.train + splits.validation) == Set(0..<40))
        #expect(splits.train == splits.train.sorted())
        #expect(splits.test == Array(40..<50))
        #expect(try DataSplits(of: dataset, validationCount: 10, seed: 3) == splits)
        #expect(try DataSplits(of: dataset, validationCount: 10, seed: 4) != splits)
        #expect(try DataSplits(of: dataset, validationCount: 0, seed: 4).train == Array(0..<40))
    }

    @Test(arguments: [-1, 40, 1000])
    func impossibleValidationCountsAreRefused(count: Int) throws {
        #expect(try message { _ = try DataSplits(of: dataset, validationCount: count, seed: 0) }.contains("\(count)"))
    }

    @Test func everyEpochVisitsEveryImageOnceInAnotherOrder() throws {
        let batches = try Batches(Array(100..<150), batchSize: 16, seed: 7)
        #expect(batches.batchCount == 4)
        let first = batches.epoch(0)
        let second = batches.epoch(1)
        #expect(first.order.sorted() == Array(100..<150))
        #expect(second.order.sorted() == Array(100..<150))
        #expect(first.order != second.order)
        #expect(first.order == batches.epoch(0).order)
        #expect((0..<4).map { first.batch($0).count } == [16, 16, 16, 2])
        #expect((0..<4).map { batches.size(ofBatch: $0) } == [16, 16, 16, 2])
        #expect((0..<4).flatMap { first.batch($0) } == first.order)
        #expect(first.withBatch(3) { Array($0) } == Array(first.order[48...]))
    }

    @Test func aLastBatchThatIsTooSmallIsLeftOut() throws {
        let batches = try Batches(Array(0..<33), batchSize: 16, smallestBatch: 2, seed: 7)
        #expect(batches.batchCount == 2)
        let epochs = (0..<20).map { batches.epoch($0) }
        #expect(epochs.allSatisfy { $0.batchCount == 2 && $0.order.count == 32 && Set($0.order).count == 32 })
        #expect(Set(epochs.flatMap(\.order)) == Set(0..<33), "another image is left out in another epoch")
        #expect((0..<2).map { batches.size(ofBatch: $0) } == [16, 16])
        #expect(try Batches(Array(0..<34), batchSize: 16, smallestBatch: 2, seed: 7).batchCount == 3)
        #expect(try Batches(Array(0..<3), batchSize: 2, smallestBatch: 2, seed: nil).epoch(0).order == [0, 1])
    }

    @Test func someImagesRecurInEveryBatch() throws {
        let recurring = Set<Int32>([3, 14, 15, 26, 35])
        let batches = try Batches(
            Array(0..<50), batchSize: 16, recurring: recurring, recurringPerBatch: 3, seed: 7)
        #expect(batches.batchCount == 4)
        let epochs = (0..<5).map { batches.epoch($0) }
        for epoch in epochs {
            #expect((0..<4).map { epoch.batch($0).count } == [16, 16, 16, 2])
            #expect((0..<4).map { epoch.batch($0).count { recurring.contains($0) } } == [3, 3, 3, 1])
            let others = epoch.order.filter { !recurring.contains($0) }
            #expect(Set(others).count == others.count, "another comes at most once")
            #expect(Set(epoch.order).isSubset(of: Set(0..<50)))
        }
        #expect(epochs[1].order == batches.epoch(1).order)
        // Ten of them in an epoch: every five are all of them.
        let visits = epochs.flatMap(\.order).filter(recurring.contains)
        for start in stride(from: 0, to: visits.count, by: 5) { #expect(Set(visits[start..<start + 5]) == recurring) }
        #expect(Set(stride(from: 0, to: visits.count, by: 5).map { Array(visits[$0..<$0 + 5]) }).count > 5)
        #expect(Set(epochs.flatMap(\.order)) == Set(0..<50))
        let none = try message {
            _ = try Batches(Array(0..<5), batchSize: 4, recurring: recurring, recurringPerBatch: 4, seed: 7)
        }
        #expect(none.contains("leave no place"))
    }

    @Test func withoutSeedTheOrderIsKept() throws {
        #expect(try Batches([3, 1, 2], batchSize: 2, seed: nil).epoch(5).order == [3, 1, 2])
    }

    @Test func impossibleBatchesAreRefused() throws {
        #expect(try message { _ = try Batches([1], batchSize: 0, seed: nil) }.contains("batch size is 0"))
        #expect(try message { _ = try Batches([], batchSize: 1, seed: nil) }.contains("empty"))
        let small = try message { _ = try Batches([1], batchSize: 4, smallestBatch: 2, seed: nil) }
        #expect(small.contains("at least 2 are needed"))
    }
}

import TensorCore

/// The order in which images are visited: epochs of batches, a function of the seed and the epoch alone, so that a
/// resumed run visits what the first run would have visited.
public struct Batches: Sendable {
    /// The images to visit in every epoch.
    public let indices: [Int32]
    /// Images per batch; the last batch of an epoch may be shorter.
    public let batchSize: Int
    /// The fewest images of a batch: what is left of an epoch below that is not visited.
    public let smallestBatch: Int
    /// The seed of the order; nil keeps the order of `indices`.
    public let seed: UInt64?
    /// The images of which every batch has some, and the others; empty where all are alike.
    private let recurring: [Int32], others: [Int32]
    private let recurringPerBatch: Int

    /// Batches of `batchSize` images.
    /// - Parameters:
    ///   - smallestBatch: the fewest images that are a batch; the last ones of an epoch are left out if they are fewer.
    ///   - recurring: images of which every batch has `recurringPerBatch`, again and again, in place of others; a shorter batch has the like
    ///     share of them. They come in an order of their own, all of them before one comes again.
    ///   - seed: Seed of the shuffles; nil to visit the images in the given order (evaluation), which no image can recur in.
    /// - Throws: `ZooError` if there are no images, `batchSize` is less than 1 or than `smallestBatch`, or no place is left for others beside
    ///   the recurring.
    public init(
        _ indices: [Int32], batchSize: Int, smallestBatch: Int = 1, recurring: Set<Int32> = [],
        recurringPerBatch: Int = 0, seed: UInt64?
    ) throws {
        guard batchSize >= 1 else {
            throw ZooError("the batch size is \(batchSize); it must be at least 1", kind: .usage)
        }
        guard !indices.isEmpty else {
            throw ZooError("there are no images to make batches of: the split is empty", kind: .usage)
        }
        guard min(batchSize, indices.count) >= smallestBatch else {
            throw ZooError(
                "batches of \(min(batchSize, indices.count)) images are too small; at least \(smallestBatch) are needed",
                kind: .usage)
        }
        let isMixed = recurringPerBatch > 0 && !recurring.isEmpty && seed != nil
        self.recurring = isMixed ? indices.filter(recurring.contains) : []
        others = isMixed ? indices.filter { !recurring.contains($0) } : []
        self.recurringPerBatch = isMixed ? recurringPerBatch : 0
        guard !isMixed || (recurringPerBatch < batchSize && !self.recurring.isEmpty && !others.isEmpty) else {
            throw ZooError(
                "batches of \(batchSize) images with \(recurringPerBatch) of \(self.recurring.count) recurring ones leave no place for the "
                    + "\(others.count) others", kind: .usage)
        }
        self.indices = indices
        self.batchSize = batchSize
        self.smallestBatch = smallestBatch
        self.seed = seed
    }

    /// Images visited in an epoch.
    private var visitedCount: Int {
        let rest = indices.count % batchSize
        return rest < smallestBatch ? indices.count - rest : indices.count
    }

    /// Batches in an epoch.
    public var batchCount: Int { (visitedCount - 1) / batchSize + 1 }

    /// The images in batch `number`: `batchSize`, or fewer in the last.
    public func size(ofBatch number: Int) -> Int {
        min(batchSize, visitedCount - number * batchSize)
    }

    /// The visiting order of epoch `number`, counted from 0. Allocates one array; its batches allocate nothing.
    public func epoch(_ number: Int) -> Epoch {
        guard let seed else {
            return Epoch(number: number, batchSize: batchSize, order: Array(indices.prefix(visitedCount)))
        }
        let step = UInt32(truncatingIfNeeded: number)
        if recurringPerBatch > 0 { return mixedEpoch(number, seed: seed, step: step) }
        var order = RandomStream(seed: seed, purpose: .shuffle, step: step).permutation(count: indices.count)
        indices.withUnsafeBufferPointer { indices in
            order.withUnsafeMutableBufferPointer { order in
                for position in order.indices { order[position] = indices[Int(order[position])] }
            }
        }
        order.removeLast(order.count - visitedCount)
        return Epoch(number: number, batchSize: batchSize, order: order)
    }

    /// As many batches as without recurring images. The others fill the places that these leave, each at most once where there are enough.
    private func mixedEpoch(_ number: Int, seed: UInt64, step: UInt32) -> Epoch {
        let shuffled = RandomStream(seed: seed, purpose: .shuffle, step: step).permutation(count: others.count)
        var order: [Int32] = []
        order.reserveCapacity(visitedCount)
        var ordinary = 0
        // The recurring images are counted from the first epoch on; each round of them is a permutation.
        var again = number * recurringCount
        var round = -1
        var turn: [Int32] = []
        for batch in 0..<batchCount {
            let size = size(ofBatch: batch)
            let some = recurringCount(of: size)
            for _ in 0..<size - some {
                order.append(others[Int(shuffled[ordinary % others.count])])
                ordinary += 1
            }
            for _ in 0..<some {
                if again / recurring.count != round {
                    round = again / recurring.count
                    turn = RandomStream(seed: seed, purpose: .labels, step: UInt32(truncatingIfNeeded: round + 1))
                        .permutation(count: recurring.count)
                }
                order.append(recurring[Int(turn[again % recurring.count])])
                again += 1
            }
        }
        return Epoch(number: number, batchSize: batchSize, order: order)
    }

    /// Recurring images of a batch: in the last, shorter one their share of it, and at least one where there is room.
    private func recurringCount(of size: Int) -> Int {
        min(max(1, recurringPerBatch * size / batchSize), max(size - 1, 0))
    }

    /// Of an epoch.
    private var recurringCount: Int { (0..<batchCount).reduce(0) { $0 + recurringCount(of: size(ofBatch: $1)) } }

    /// One pass over the images.
    public struct Epoch: Sendable {
        /// The epoch, counted from 0.
        public let number: Int
        public let batchSize: Int
        /// The images in the order of visiting: each once, unless some recur.
        public let order: [Int32]

        public var batchCount: Int { (order.count - 1) / batchSize + 1 }

        /// The images of batch `number`, in `0..<batchCount`.
        public func batch(_ number: Int) -> ArraySlice<Int32> {
            let start = number * batchSize
            return order[start..<min(start + batchSize, order.count)]
        }

        /// Calls `body` with the images of batch `number`, in the form that `Dataset.readImages` takes.
        public func withBatch<Result>(
            _ number: Int, _ body: (UnsafeBufferPointer<Int32>) throws -> Result
        ) rethrows -> Result {
            let start = number * batchSize
            let end = min(start + batchSize, order.count)
            return try order.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[start..<end])) }
        }
    }
}

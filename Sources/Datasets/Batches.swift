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

    /// Batches of `batchSize` images.
    /// - Parameters:
    ///   - smallestBatch: the fewest images that are a batch; the last ones of an epoch are left out if they are fewer.
    ///   - seed: Seed of the shuffles; nil to visit the images in the given order (evaluation).
    /// - Throws: `ZooError` if there are no images or `batchSize` is less than 1 or than `smallestBatch`.
    public init(_ indices: [Int32], batchSize: Int, smallestBatch: Int = 1, seed: UInt64?) throws {
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
        var order = RandomStream(seed: seed, purpose: .shuffle, step: step).permutation(count: indices.count)
        indices.withUnsafeBufferPointer { indices in
            order.withUnsafeMutableBufferPointer { order in
                for position in order.indices { order[position] = indices[Int(order[position])] }
            }
        }
        order.removeLast(order.count - visitedCount)
        return Epoch(number: number, batchSize: batchSize, order: order)
    }

    /// One pass over the images.
    public struct Epoch: Sendable {
        /// The epoch, counted from 0.
        public let number: Int
        public let batchSize: Int
        /// Every image that is visited, once, in the order of visiting.
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

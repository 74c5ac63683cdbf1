import Datasets
import TensorCore

/// Training images to measure distances from, as the model takes them: pixels from 0 to 1.
public struct NearestImages: Sendable {
    /// How many images there are to be near to.
    public var count: Int { indices.count }
    private let dataset: any Dataset
    private let indices: [Int32]

    /// `count` of the images, evenly spread over `indices`.
    public init(of dataset: any Dataset, indices: [Int32], count: Int) {
        let taken = min(count, indices.count)
        self.dataset = dataset
        self.indices = (0..<taken).map { indices[$0 * indices.count / taken] }
    }

    /// Per image of C·H·W numbers in C H W order, the Euclidean distance ‖x̂ − x‖ to the nearest of the images; empty if
    /// there is none.
    ///
    /// - Throws: `ZooError` for images that are in a file that can no longer be read.
    public func distances(from images: [[Float]]) throws -> [Double] {
        guard count > 0 else { return [] }
        // Rows of whole vectors, the rest 0.
        let padded = (dataset.info.sampleCount + 15) / 16
        let queries = images.flatMap { Self.vectors($0[...], padded) }
        var nearest = [Float](repeating: .infinity, count: images.count)
        // So many rows at a time stay in the cache while all queries pass.
        let blockSize = max(1, 4096 / padded)
        for start in stride(from: 0, to: count, by: blockSize) {
            let references = try dataset.tensor(Array(indices[start..<min(start + blockSize, count)]))
            let block = (0..<references.count).flatMap { Self.vectors(references[$0], padded) }
            for query in nearest.indices {
                for row in stride(from: 0, to: block.count, by: padded) {
                    nearest[query] = Self.smaller(
                        nearest[query], queries[query * padded..<(query + 1) * padded], block[row..<row + padded])
                }
            }
        }
        return nearest.map { Double($0).squareRoot() }
    }

    /// The squared distance of two rows if it is smaller than `limit`, else `limit`. It is given up where its beginning is not.
    private static func smaller(
        _ limit: Float, _ a: ArraySlice<SIMD16<Float>>, _ b: ArraySlice<SIMD16<Float>>
    ) -> Float {
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                var sum = SIMD16<Float>.zero
                for start in stride(from: 0, to: a.count, by: 16) {
                    for vector in start..<min(start + 16, a.count) {
                        let difference = a[vector] - b[vector]
                        sum += difference * difference
                    }
                    if sum.sum() >= limit { return limit }
                }
                return sum.sum()
            }
        }
    }

    /// The numbers of an image as `count` vectors.
    private static func vectors(_ image: ArraySlice<Float>, _ count: Int) -> [SIMD16<Float>] {
        (0..<count).map { vector in
            var lanes = SIMD16<Float>.zero
            let start = image.startIndex + vector * 16
            for lane in 0..<min(16, image.endIndex - start) { lanes[lane] = image[start + lane] }
            return lanes
        }
    }
}

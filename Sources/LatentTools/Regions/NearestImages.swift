import Datasets
import TensorCore

/// Training images to measure distances from, pixels from 0 to 1.
public struct NearestImages: Sendable {
    /// How many images there are to be near to.
    public let count: Int
    /// Rows of C·H·W bytes in H W C order.
    private let pixels: [UInt8]
    private let shape: Shape

    /// `count` of the images, evenly spread over `indices`.
    public init(of dataset: any Dataset, indices: [Int32], count: Int) {
        let taken = min(count, indices.count)
        let spread = (0..<taken).map { indices[$0 * indices.count / taken] }
        self.count = taken
        pixels = dataset.images(spread)
        shape = Shape(dataset.info.shape)
    }

    /// Per image of C·H·W numbers in C H W order, the Euclidean distance ‖x̂ − x‖ to the nearest of the images; empty if
    /// there is none.
    public func distances(from images: [[Float]]) -> [Double] {
        guard count > 0 else { return [] }
        let size = shape.count
        let padded = (size + 15) / 16
        // Rows of whole vectors in the order of bytes, H W C, the rest 0.
        let queries = images.flatMap { image in vectors(padded) { image[place(ofByte: $0)] } }
        var nearest = [Float](repeating: .infinity, count: images.count)
        // So many rows at a time stay in the cache while all queries pass.
        let blockSize = max(1, 4096 / padded)
        for start in stride(from: 0, to: count, by: blockSize) {
            let block = (start..<min(start + blockSize, count)).flatMap { reference in
                vectors(padded) { Float(pixels[reference * size + $0]) / 255 }
            }
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

    /// Where the byte number `index` of an image in H W C order is in C H W order.
    private func place(ofByte index: Int) -> Int {
        index % shape.channels * shape.area + index / shape.channels
    }

    private func vectors(_ count: Int, value: (Int) -> Float) -> [SIMD16<Float>] {
        (0..<count).map { vector in
            var lanes = SIMD16<Float>.zero
            for lane in 0..<min(16, shape.count - vector * 16) { lanes[lane] = value(vector * 16 + lane) }
            return lanes
        }
    }
}

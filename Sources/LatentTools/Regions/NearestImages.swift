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
        let queries = images.map { image in vectors(padded) { image[place(ofByte: $0)] } }
        var nearest = [Float](repeating: .infinity, count: images.count)
        for reference in 0..<count {
            let start = reference * size
            let row = vectors(padded) { Float(pixels[start + $0]) / 255 }
            for (index, query) in queries.enumerated() {
                var sum = SIMD16<Float>.zero
                for vector in 0..<padded {
                    let difference = query[vector] - row[vector]
                    sum += difference * difference
                }
                nearest[index] = min(nearest[index], sum.sum())
            }
        }
        return nearest.map { Double($0).squareRoot() }
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

import ModelKit
import TensorCore

/// Training images as `training.augmentation` changes them: cut and enlarged, mirrored, moved, in this order.
final class ImageAugmentation {
    private let augmentation: Augmentation
    private let shape: Shape
    private let memory: UnsafeMutableRawBufferPointer

    /// - Parameters:
    ///   - shape: of the images, `[C, H, W]`.
    ///   - batchSize: the most images of a batch.
    init(_ augmentation: Augmentation, shape: Shape, batchSize: Int) {
        self.augmentation = augmentation
        self.shape = shape
        memory = .allocate(byteCount: batchSize * shape.count * MemoryLayout<Float>.stride, alignment: 64)
    }

    deinit {
        memory.deallocate()
    }

    /// What is drawn for an image.
    private struct Draw {
        var isMirrored = false
        var isUpsideDown = false
        /// Rows and columns by which it is moved down and to the right.
        var move = (rows: 0, columns: 0)
        /// Rows and columns of the image for one of the result, and where the cut begins.
        var scale: Float = 1
        var start: (row: Float, column: Float) = (0, 0)
    }

    /// Elements of the stream that belong to an image.
    private static let drawCount: UInt64 = 8

    private func draw(_ image: Int32, _ stream: RandomStream) -> Draw {
        let first = UInt64(image) * Self.drawCount
        var draw = Draw()
        switch augmentation.flip {
        case .none: break
        case .horizontal: draw.isMirrored = stream.uniform(first) < 0.5
        case .vertical: draw.isUpsideDown = stream.uniform(first + 1) < 0.5
        case .both:
            draw.isMirrored = stream.uniform(first) < 0.5
            draw.isUpsideDown = stream.uniform(first + 1) < 0.5
        }
        if augmentation.shift > 0 {
            let count = Float(2 * augmentation.shift + 1)
            draw.move.rows = Int(stream.uniform(first + 2) * count) - augmentation.shift
            draw.move.columns = Int(stream.uniform(first + 3) * count) - augmentation.shift
        }
        if augmentation.crop < 1 {
            draw.scale = augmentation.crop + (1 - augmentation.crop) * stream.uniform(first + 4)
            // The centres of the pixels at its edges stay within the image.
            draw.start.row = (1 - draw.scale) * Float(shape.height - 1) * stream.uniform(first + 5)
            draw.start.column = (1 - draw.scale) * Float(shape.width - 1) * stream.uniform(first + 6)
        }
        return draw
    }

    /// The images of a batch, changed; valid until the next call.
    ///
    /// - Parameters:
    ///   - batch: the images.
    ///   - indices: their numbers in the data set.
    ///   - step: of the training, from 0.
    func changed(_ batch: ImageBatch, _ indices: UnsafeBufferPointer<Int32>, seed: UInt64, step: Int) -> ImageBatch {
        let stream = RandomStream(seed: seed, purpose: .augmentation, step: UInt32(truncatingIfNeeded: step))
        switch batch {
        case .bytes(let bytes):
            let output = UnsafeMutableBufferPointer(rebasing: memory.bindMemory(to: UInt8.self)[..<bytes.count])
            for (position, index) in indices.enumerated() {
                let range = position * shape.count..<(position + 1) * shape.count
                change(
                    UnsafeBufferPointer(rebasing: bytes[range]), draw(index, stream),
                    into: UnsafeMutableBufferPointer(rebasing: output[range]), isChannelsLast: true,
                    value: { Float($0) }, element: { UInt8($0 + 0.5) })
            }
            return .bytes(UnsafeBufferPointer(output))
        case .numbers(let numbers):
            let output = UnsafeMutableBufferPointer(rebasing: memory.bindMemory(to: Float.self)[..<numbers.count])
            for (position, index) in indices.enumerated() {
                let range = position * shape.count..<(position + 1) * shape.count
                change(
                    UnsafeBufferPointer(rebasing: numbers[range]), draw(index, stream),
                    into: UnsafeMutableBufferPointer(rebasing: output[range]), isChannelsLast: false, value: { $0 },
                    element: { $0 })
            }
            return .numbers(UnsafeBufferPointer(output))
        }
    }

    @inline(__always)
    private func change<Element>(
        _ image: UnsafeBufferPointer<Element>, _ draw: Draw, into output: UnsafeMutableBufferPointer<Element>,
        isChannelsLast: Bool, value: (Element) -> Float, element: (Float) -> Element
    ) {
        let (height, width, channels) = (shape.height, shape.width, shape.channels)
        let pixelStride = isChannelsLast ? channels : 1
        let channelStride = isChannelsLast ? 1 : height * width
        for row in 0..<height {
            var from = min(height - 1, max(0, row - draw.move.rows))
            if draw.isUpsideDown { from = height - 1 - from }
            let y = draw.start.row + draw.scale * Float(from)
            for column in 0..<width {
                var fromColumn = min(width - 1, max(0, column - draw.move.columns))
                if draw.isMirrored { fromColumn = width - 1 - fromColumn }
                let target = (row * width + column) * pixelStride
                guard draw.scale < 1 else {
                    let source = (from * width + fromColumn) * pixelStride
                    for channel in 0..<channels {
                        output[target + channel * channelStride] = image[source + channel * channelStride]
                    }
                    continue
                }
                // Bilinear between the four pixels around.
                let x = draw.start.column + draw.scale * Float(fromColumn)
                let (top, left) = (min(Int(y), height - 1), min(Int(x), width - 1))
                let (down, right) = (top + 1 < height ? width : 0, left + 1 < width ? 1 : 0)
                let (dy, dx) = (y - Float(top), x - Float(left))
                let corner = top * width + left
                for channel in 0..<channels {
                    func sample(_ place: Int) -> Float { value(image[place * pixelStride + channel * channelStride]) }
                    let upper = sample(corner) * (1 - dx) + sample(corner + right) * dx
                    let lower = sample(corner + down) * (1 - dx) + sample(corner + down + right) * dx
                    output[target + channel * channelStride] = element(upper * (1 - dy) + lower * dy)
                }
            }
        }
    }
}

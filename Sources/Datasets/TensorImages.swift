import ImageFiles
import TensorCore

extension Tensor {
    /// Images of a data set, `[N, C, H, W]`, pixels from 0 to 1.
    ///
    /// - Parameter indices: which images.
    /// - Throws: `ZooError` (wrong usage) for a number that no image has, and where the images can no longer be read.
    public init(_ dataset: any Dataset, _ indices: some Sequence<Int>) throws {
        let indices = Array(indices)
        if let stranger = indices.first(where: { !(0..<dataset.count).contains($0) }) {
            throw ZooError(
                "there is no image \(stranger): \(dataset.info.name) has images 0 to \(dataset.count - 1)",
                kind: .usage,
                code: .notFound)
        }
        self = try dataset.tensor(indices.map { Int32($0) })
    }

    /// Images of bytes, each in H W C order, as `[N, C, H, W]`, pixels from 0 to 1.
    ///
    /// - Parameter shape: of one image, `[C, H, W]` or `[D]`.
    /// - Throws: `ZooError` for bytes that are no whole number of images.
    public init(pixels: [UInt8], shape: Shape) throws {
        guard pixels.count.isMultiple(of: shape.count) else {
            throw ZooError(
                "\(pixels.count) bytes are no whole number of images \(shape)", kind: .usage, code: .mismatch)
        }
        self.init(unchecked: [pixels.count / shape.count] + shape.dimensions, Self.planes(pixels, shape))
    }

    /// The numbers 0…1 of bytes in H W C order, in C H W order.
    static func planes(_ pixels: [UInt8], _ shape: Shape) -> [Float] {
        let (channels, area) = shape.rank == 3 ? (shape.channels, shape.area) : (1, shape.count)
        return [Float](unsafeUninitializedCapacity: pixels.count) { output, count in
            for start in stride(from: 0, to: pixels.count, by: shape.count) {
                for channel in 0..<channels {
                    for place in 0..<area {
                        output[start + channel * area + place] = Float(pixels[start + place * channels + channel]) / 255
                    }
                }
            }
            count = pixels.count
        }
    }

    /// Files of pictures as `[N, C, H, W]`, pixels from 0 to 1, grey or RGB as the shape says.
    ///
    /// - Parameters:
    ///   - paths: the files.
    ///   - shape: of one image, `[C, H, W]`.
    ///   - isResized: whether the middle of an image of another size is cut and resized, as training on a folder does.
    /// - Throws: `ZooError` for a file that cannot be read, or whose image has another size.
    public init(imageFiles paths: [String], shape: Shape, isResized: Bool = false) throws {
        let images = try paths.map { try ChosenImage(file: $0, shape: shape, resizing: isResized) }
        self = try .concatenated(images.map(\.tensor))
    }

    /// Images `[N, C, H, W]` of 1 or 3 channels as 8-bit pictures, numbers below 0 and above 1 cut.
    ///
    /// - Throws: `ZooError` for another shape.
    public func pictures() throws -> [Image8] {
        let shape = elementShape
        guard shape.rank == 3, [1, 3].contains(shape.channels) else {
            throw ZooError("\(self.shape) are no images of 1 or 3 channels", kind: .usage, code: .mismatch)
        }
        return try (0..<count).map { index in
            let values = self[index]
            let pixels = [UInt8](unsafeUninitializedCapacity: shape.count) { output, count in
                for channel in 0..<shape.channels {
                    for place in 0..<shape.area {
                        let value = values[values.startIndex + channel * shape.area + place]
                        output[place * shape.channels + channel] = UInt8((min(1, max(0, value)) * 255).rounded())
                    }
                }
                count = shape.count
            }
            return try Image8(width: shape.width, height: shape.height, channels: shape.channels, pixels: pixels)
        }
    }
}

extension Dataset {
    /// The images `[N, C, H, W]` (or vectors `[N, D]`) of these numbers as the model takes them: bytes become 0…1, real
    /// numbers are scaled.
    ///
    /// - Precondition: the numbers lie in `0..<count`.
    /// - Throws: `ZooError` for images that are in a file that can no longer be read.
    public func tensor(_ indices: [Int32]) throws -> Tensor {
        let count = indices.count * info.sampleCount
        let values = try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            try indices.withUnsafeBufferPointer { try readNumbers($0, into: buffer) }
            initialized = count
        }
        return Tensor(unchecked: [indices.count] + info.shape, values)
    }
}

import TensorCore

/// A data set of real numbers: vectors `[D]`, or images of any number of channels.
public protocol NumericDataset: Dataset {
    /// How its numbers become those that a model sees.
    var scaling: ValueScaling { get }
}

extension NumericDataset {
    public var valueScaling: ValueScaling? { scaling }

    /// The rows as pictures: the least number of the data is 0, the largest 255.
    public func readImages(
        _ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        let size = info.sampleCount
        let channels = scaling.count
        let area = size / channels
        let numbers = try [Float](unsafeUninitializedCapacity: indices.count * size) { buffer, count in
            try readNumbers(indices, into: buffer)
            count = indices.count * size
        }
        for row in 0..<indices.count {
            for channel in 0..<channels {
                for place in 0..<area {
                    let value = scaling.brightness(numbers[row * size + channel * area + place], channel: channel)
                    pixels[row * size + place * channels + channel] = UInt8(
                        (min(1, max(0, value.isNaN ? 0 : value)) * 255).rounded())
                }
            }
        }
    }
}

/// Reads the images of batches, as the data set stores them, into memory of its own.
public final class BatchReader {
    private let dataset: any Dataset
    private let memory: UnsafeMutableRawBufferPointer

    /// - Parameter batchSize: the most images of a batch.
    public init(_ dataset: any Dataset, batchSize: Int) {
        self.dataset = dataset
        let width = dataset.valueScaling == nil ? 1 : MemoryLayout<Float>.stride
        memory = .allocate(byteCount: batchSize * dataset.info.sampleCount * width, alignment: 64)
    }

    deinit {
        memory.deallocate()
    }

    /// The images of these numbers; valid until the next call.
    ///
    /// - Precondition: there are at most as many as a batch has.
    /// - Throws: `ZooError` for images that are in a file that can no longer be read.
    public func read(_ indices: UnsafeBufferPointer<Int32>) throws -> ImageBatch {
        let count = indices.count * dataset.info.sampleCount
        guard dataset.valueScaling != nil else {
            let pixels = memory.bindMemory(to: UInt8.self)
            try dataset.readImages(indices, into: pixels)
            return .bytes(UnsafeBufferPointer(rebasing: pixels[..<count]))
        }
        let numbers = UnsafeMutableBufferPointer(rebasing: memory.bindMemory(to: Float.self)[..<count])
        try dataset.readNumbers(indices, into: numbers)
        return .numbers(UnsafeBufferPointer(numbers))
    }
}

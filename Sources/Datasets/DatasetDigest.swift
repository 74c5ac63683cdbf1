import FileSupport
import TensorCore

extension Dataset {
    /// Images that a digest reads at most, in bytes: all of MNIST and CIFAR-10, and a choice of larger sets.
    static var digestByteLimit: Int { 256 << 20 }

    /// SHA-256 of the data set in hexadecimal digits: the same images in the same splits give the same digest, wherever
    /// they came from.
    ///
    /// What is digested: the texts `zoo.dataset/1`, name and shape, one a line; the number of images, and for each split
    /// (train, validation, test) its number of images and its indices, all as little-endian 64-bit integers; then the
    /// samples of the images (H W C), or of real numbers the scaled ones as little-endian f32 (C H W), in order. Where those
    /// are more than 256 MiB, only 4,096 images are digested, spread evenly.
    ///
    /// - Throws: `ZooError` for images that are in a file that can no longer be read.
    public func digest() throws -> String {
        var hash = SHA256()
        hash.update("zoo.dataset/1\n\(info.name)\n\(info.shape.map(String.init).joined(separator: " "))\n")
        hash.update([count])
        for split in Split.allCases {
            let indices = indices(of: split)
            hash.update([indices.count] + indices.map(Int.init))
        }
        let isBytes = valueScaling == nil
        let sampleByteCount = isBytes ? 1 : MemoryLayout<Float>.stride
        let isWhole = count <= Self.digestByteLimit / max(1, info.sampleCount * sampleByteCount)
        let chosen = isWhole ? count : min(count, 4096)
        let batch = 256
        for start in stride(from: 0, to: chosen, by: batch) {
            let indices = (start..<min(start + batch, chosen)).map { position in
                // The product stays far below 2⁶³: both are numbers of images, which have 32 bits.
                Int32(truncatingIfNeeded: isWhole ? position : position * count / chosen)
            }
            if isBytes {
                try images(indices).withUnsafeBytes { hash.update($0) }
            } else {
                try tensor(indices).values.withUnsafeBytes { hash.update($0) }
            }
        }
        return SHA256.hexadecimal(hash.finish())
    }
}

extension SHA256 {
    fileprivate mutating func update(_ text: String) {
        Array(text.utf8).withUnsafeBytes { update($0) }
    }

    fileprivate mutating func update(_ numbers: [Int]) {
        numbers.map { Int64($0).littleEndian }.withUnsafeBytes { update($0) }
    }
}

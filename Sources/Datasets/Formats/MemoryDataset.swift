import Glibc

/// A data set whose samples are all in memory, H W C, ready to be copied.
struct MemoryDataset: Dataset {
    let info: DatasetInfo
    let count: Int
    /// Image after image, each H W C.
    let pixels: [UInt8]
    /// One label per image; empty if there are none.
    var labels: [UInt8] = []
    /// The factor positions of all images, one row after another; empty if there are none.
    var factorPositions: [UInt8] = []
    let splits: [Split: [Int32]]
    var notes: [String] = []

    func indices(of split: Split) -> [Int32] {
        splits[split] ?? []
    }

    func readImages(_ indices: UnsafeBufferPointer<Int32>, into output: UnsafeMutableBufferPointer<UInt8>) {
        let byteCount = info.imageByteCount
        precondition(output.count >= indices.count * byteCount, "the buffer is too small for \(indices.count) images")
        pixels.withUnsafeBufferPointer { pixels in
            guard let source = pixels.baseAddress, let target = output.baseAddress else { return }
            for (position, index) in indices.enumerated() {
                precondition(index >= 0 && index < count, "image \(index) of \(count)")
                memcpy(target + position * byteCount, source + Int(index) * byteCount, byteCount)
            }
        }
    }

    func label(_ index: Int) -> Int? {
        labels.isEmpty ? nil : Int(labels[index])
    }

    func factors(_ index: Int) -> [Int]? {
        guard let factorCount = info.factors?.count, !factorPositions.isEmpty else { return nil }
        return factorPositions[(index * factorCount)..<((index + 1) * factorCount)].map(Int.init)
    }
}

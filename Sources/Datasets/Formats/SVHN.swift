import TensorCore

/// SVHN, "format 2": cropped digits of house numbers.
///
/// Source: Y. Netzer and others, "Reading digits in natural images with unsupervised feature learning", NIPS Workshop 2011.
enum SVHNFormat {
    static let fileNames = ["train_32x32.mat", "test_32x32.mat"]

    /// - Parameter paths: the files in the order of `fileNames`.
    /// - Throws: `ZooError` if a file is damaged or not what is expected.
    static func read(_ info: DatasetInfo, paths: [String]) throws -> MemoryDataset {
        var pixels: [UInt8] = []
        var labels: [UInt8] = []
        var counts: [Int] = []
        for path in paths {
            let file = try MATFile(path: path, names: ["X", "y"], elementLimit: 2 << 30)
            guard let images = file.arrays["X"], let classes = file.arrays["y"]?.integers, images.shape.count == 4,
                images.shape[..<3] == [32, 32, 3], images.type == 2, images.shape[3] == classes.count
            else {
                throw ZooError(
                    "'\(path)' does not hold X [32, 32, 3, N] of bytes and y [N, 1]",
                    advice: "it must be one of \(fileNames.joined(separator: ", ")), as published", code: .mismatch)
            }
            guard let stranger = classes.first(where: { !(1...10).contains($0) }) else {
                // The digit 0 has the label 10.
                labels += classes.map { UInt8($0 % 10) }
                counts.append(classes.count)
                append(images.elements, count: classes.count, to: &pixels)
                continue
            }
            throw ZooError("'\(path)' is damaged: labels are 1 to 10, and one is \(stranger)", code: .damaged)
        }
        let (train, all) = (Int32(counts[0]), Int32(labels.count))
        return MemoryDataset(
            info: info, count: labels.count, pixels: pixels, labels: labels,
            splits: [.train: Array(0..<train), .test: Array(train..<all)])
    }

    /// Columns of planes become rows of pixels.
    private static func append(_ columns: [UInt8], count: Int, to pixels: inout [UInt8]) {
        pixels += [UInt8](unsafeUninitializedCapacity: columns.count) { output, filled in
            columns.withUnsafeBufferPointer { columns in
                for image in 0..<count {
                    let start = image * 3072
                    for place in 0..<1024 {
                        let (row, column) = (place / 32, place % 32)
                        for channel in 0..<3 {
                            output[start + place * 3 + channel] = columns[start + channel * 1024 + column * 32 + row]
                        }
                    }
                }
            }
            filled = columns.count
        }
    }
}

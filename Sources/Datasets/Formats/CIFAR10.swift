import TensorCore

/// CIFAR-10 in its binary version: six files of records, each one label byte and 3,072 samples as three 32 × 32
/// planes (red, green, blue).
///
/// Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009, and the data's page.
enum CIFAR10Format {
    static let folderName = "cifar-10-batches-bin"
    static let archivePrefix = "cifar-10-binary.tar"
    static let fileNames = (1...5).map { "data_batch_\($0).bin" } + ["test_batch.bin"]
    /// Records in each published file.
    static let recordsPerFile = 10_000
    private static let planeByteCount = 32 * 32
    private static let recordByteCount = 1 + 3 * planeByteCount

    /// Reads the data set from `path`: the folder of the six files, or an archive (tar in any compression, or zip).
    /// What came from an archive that is slow to unpack is kept in `cacheFolder` for the next time.
    /// - Throws: `ZooError` if files are missing, damaged or not what is expected.
    static func read(
        _ info: DatasetInfo, path: String, cacheFolder: String? = nil,
        recordsPerFile: Int = CIFAR10Format.recordsPerFile
    ) throws -> MemoryDataset {
        let cache = cacheFolder.flatMap { UnpackedCache(archive: path, folder: $0) }
        if let cache, Files.isFolder(cache.path),
            let dataset = try? read(info, path: cache.path, recordsPerFile: recordsPerFile)
        {
            return dataset
        }
        let byteCount = recordsPerFile * recordByteCount
        let imageCount = recordsPerFile * fileNames.count
        var pixels = [UInt8](repeating: 0, count: imageCount * info.imageByteCount)
        var labels = [UInt8](repeating: 0, count: imageCount)

        func add(_ records: [UInt8], file: Int) throws {
            for record in 0..<recordsPerFile {
                let label = records[record * recordByteCount]
                guard label < 10 else {
                    throw ZooError(
                        "'\(fileNames[file])' in '\(path)' is damaged: the label of record \(record) is \(label), and "
                            + "labels are 0 to 9", advice: Archive.damageAdvice, code: .damaged)
                }
                labels[file * recordsPerFile + record] = label
            }
            interleave(records, into: &pixels, firstImage: file * recordsPerFile, count: recordsPerFile)
        }

        if Files.isFolder(path) {
            for (file, name) in fileNames.enumerated() {
                let filePath = Files.join(path, name)
                let records = try Files.read(filePath, maximumByteCount: byteCount)
                guard records.count == byteCount else {
                    throw ZooError(
                        "'\(filePath)' has \(records.count) bytes; \(byteCount) were expected (\(recordsPerFile) "
                            + "records of \(recordByteCount))", advice: Archive.damageAdvice, code: .damaged)
                }
                try add(records, file: file)
            }
        } else {
            var writer = cache?.writer()
            do {
                try forEachFile(inArchive: path, byteCount: byteCount) { records, file in
                    try add(records, file: file)
                    writer?.write(records, fileNames[file])
                }
                writer?.finish()
            } catch {
                writer?.discard()
                throw error
            }
        }
        let trainCount = Int32(recordsPerFile * 5)
        return MemoryDataset(
            info: info, count: imageCount, pixels: pixels, labels: labels,
            splits: [.train: Array(0..<trainCount), .test: Array(trainCount..<Int32(imageCount))])
    }

    private static func forEachFile(
        inArchive path: String, byteCount: Int, _ body: ([UInt8], Int) throws -> Void
    ) throws {
        let archive = try Archive(path: path, form: .container)
        var missing = Set(fileNames)
        while !missing.isEmpty, let entry = try archive.nextEntry() {
            let name = Files.lastComponent(entry.name)
            guard let file = fileNames.firstIndex(of: name) else { continue }
            guard missing.remove(name) != nil else {
                throw ZooError("'\(path)' holds '\(name)' twice", advice: Archive.damageAdvice, code: .damaged)
            }
            try body(archive.read(byteCount: byteCount, of: "'\(entry.name)' in '\(path)'"), file)
        }
        guard missing.isEmpty else {
            throw ZooError(
                "'\(path)' does not hold \(missing.sorted().joined(separator: ", "))",
                advice:
                    "it must be the binary version of CIFAR-10 (cifar-10-binary.tar.gz), not the Python or Matlab one",
                code: .damaged)
        }
    }

    /// Turns planes (C H W) into pixels (H W C).
    private static func interleave(_ records: [UInt8], into pixels: inout [UInt8], firstImage: Int, count: Int) {
        records.withUnsafeBufferPointer { records in
            pixels.withUnsafeMutableBufferPointer { pixels in
                for record in 0..<count {
                    let planes = record * recordByteCount + 1
                    let start = (firstImage + record) * 3 * planeByteCount
                    for pixel in 0..<planeByteCount {
                        pixels[start + 3 * pixel] = records[planes + pixel]
                        pixels[start + 3 * pixel + 1] = records[planes + planeByteCount + pixel]
                        pixels[start + 3 * pixel + 2] = records[planes + 2 * planeByteCount + pixel]
                    }
                }
            }
        }
    }
}

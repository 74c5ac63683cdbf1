import Dispatch
import Synchronization
import TensorCore

/// A file in the IDX format of MNIST: a big-endian header (two zero bytes, the element type, the rank, then each
/// size as 32 bits) and the elements in row-major order. Only unsigned bytes (type 8) are read.
///
/// Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", section "File formats".
struct IDXFile {
    /// The sizes, slowest first.
    let shape: [Int]
    let elements: [UInt8]

    /// Reads the file at `path`, gzip-compressed or not.
    ///
    /// The header must give the shape `expected`, and exactly that many elements must follow; nothing is unpacked
    /// beyond one byte more.
    /// - Throws: `ZooError` if the file cannot be read or is not such a file.
    init(path: String, expected: [Int]) throws {
        try self.init(Archive(path: path, form: .stream), expected: expected)
    }

    /// Most elements of a file whose header says how many there are.
    private static let elementLimit = 1 << 30

    /// As `init(path:expected:)`, of an archive that was opened.
    ///
    /// - Parameter expected: nil for a size that the file may choose.
    init(_ archive: Archive, expected: [Int?]) throws {
        let path = archive.path
        guard try archive.nextEntry() != nil else {
            throw ZooError("'\(path)' is empty", advice: Archive.damageAdvice, code: .damaged)
        }
        let headerByteCount = 4 + 4 * expected.count
        let header = try [UInt8](unsafeUninitializedCapacity: headerByteCount) { buffer, count in
            count = try archive.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        let magic: [UInt8] = [0, 0, 8, UInt8(expected.count)]
        guard header.count >= 4, Array(header[..<4]) == magic else {
            throw ZooError(
                "'\(path)' is not the expected IDX file: it begins with \(IDXFile.hexadecimal(header.prefix(4))), and "
                    + "\(IDXFile.hexadecimal(magic[...])) (unsigned bytes, \(expected.count) dimensions) was expected",
                advice: "check that the file is what its name says, or fetch it again", code: .damaged)
        }
        guard header.count == headerByteCount else {
            throw ZooError(
                "'\(path)' ends in its header, after \(header.count) of \(headerByteCount) bytes",
                advice: Archive.damageAdvice, code: .damaged)
        }
        let shape = stride(from: 4, to: headerByteCount, by: 4).map { start in
            header[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
        }
        guard zip(shape, expected).allSatisfy({ $1 == nil || $0 == $1 }) else {
            let wanted = zip(shape, expected).map { $1 ?? $0 }
            throw ZooError(
                "'\(path)' holds \(IDXFile.describe(shape)) values; \(IDXFile.describe(wanted)) were expected",
                advice: "check that the file belongs to this data set and split", code: .damaged)
        }
        self.shape = shape
        // Sizes have 32 bits each, so that two of them cannot overflow.
        var count = 1
        for extent in shape {
            count = count.multipliedReportingOverflow(by: extent).partialValue
            guard (1...Self.elementLimit).contains(count) else {
                throw ZooError(
                    "'\(path)' claims \(IDXFile.describe(shape)) values", advice: Archive.damageAdvice, code: .damaged)
            }
        }
        elements = try archive.read(byteCount: count, of: "The data of '\(path)' after its header")
    }

    private static func describe(_ shape: [Int]) -> String {
        shape.map(String.init).joined(separator: " x ")
    }

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
        if bytes.isEmpty { return "nothing" }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}

/// A data set of 28 × 28 grey images in the four files of MNIST.
enum MNISTFormat {
    /// The published files: 60,000 training and 10,000 test images.
    static let published = (train: 60_000, test: 10_000)

    /// Reads the images and labels. `paths` are the files in the order of `fileNames`.
    /// - Throws: `ZooError` if a file is damaged or not what is expected.
    static func read(
        _ info: DatasetInfo, paths: [String], counts: (train: Int, test: Int) = published
    ) throws -> MemoryDataset {
        let imageCount = counts.train + counts.test
        let shapes = [counts.train, counts.test].flatMap { [[$0, info.shape[1], info.shape[2]], [$0]] }
        // The four files at once: unpacking is what takes the time.
        let results = Mutex([Result<[UInt8], any Error>?](repeating: nil, count: 4))
        DispatchQueue.concurrentPerform(iterations: 4) { file in
            let result = Result { try IDXFile(path: paths[file], expected: shapes[file]).elements }
            results.withLock { $0[file] = result }
        }
        let elements = try results.withLock { try $0.map { try $0?.get() ?? [] } }
        for part in [1, 3] {
            if let position = elements[part].firstIndex(where: { $0 > 9 }) {
                throw ZooError(
                    "'\(paths[part])' is damaged: the label of image \(position) is \(elements[part][position]), and "
                        + "labels are 0 to 9", advice: Archive.damageAdvice, code: .damaged)
            }
        }
        return MemoryDataset(
            info: info, count: imageCount, pixels: elements[0] + elements[2], labels: elements[1] + elements[3],
            splits: [
                .train: Array(0..<Int32(counts.train)), .test: Array(Int32(counts.train)..<Int32(imageCount)),
            ])
    }

    /// What the file `name` (`….gz`) may be called: so, unpacked, and with a dot in place of a hyphen as some programs unpack it.
    static func names(of name: String) -> [String] {
        let unpacked = String(name.dropLast(3))
        let dotted = unpacked.replacing("-idx", with: ".idx")
        return [name, unpacked, dotted + ".gz", dotted]
    }

    /// The files, without ".gz": training images and labels, test images and labels.
    static let fileNames = [
        "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
    ]
}

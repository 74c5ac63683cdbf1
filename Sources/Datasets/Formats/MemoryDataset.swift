import Glibc
import TensorCore

/// A data set whose samples are all in memory or in the cache of decoded pictures, H W C, ready to be copied.
public struct MemoryDataset: Dataset {
    public let info: DatasetInfo
    public let count: Int
    private let pixels: Pixels
    /// One label per image; empty if there are none.
    var labels: [Int32] = []
    /// The factor positions of all images, one row after another; empty if there are none.
    var factorPositions: [UInt8] = []
    let splits: [Split: [Int32]]
    public var notes: [String] = []
    /// How its pictures became images; nil where they came as images.
    public private(set) var imagePreparation: ImagePreparation?

    /// Where images lie, one after another, each H W C.
    private enum Pixels: Sendable {
        case array([UInt8])
        /// Of the decoded pictures the ones in these places.
        case pictures(DecodedPictures, rows: [Int32])
    }

    /// Images of one's own, in one training split and, if asked for, a test split.
    ///
    /// - Parameters:
    ///   - name: what runs record.
    ///   - shape: of one image, `[C, H, W]`.
    ///   - pixels: bytes of N images, each in H W C order.
    ///   - labels: one for each image, an index into `classNames`; empty for none.
    ///   - testCount: how many of the last images are test images.
    /// - Throws: `ZooError` where numbers do not fit each other.
    public init(
        name: String, shape: [Int], pixels: [UInt8], labels: [UInt8] = [], classNames: [String]? = nil,
        testCount: Int = 0
    ) throws {
        let info = DatasetInfo(
            name: name, title: name, summary: "Images in memory.", license: "your own", source: "your own",
            shape: shape, classNames: classNames)
        let size = info.imageByteCount
        guard !shape.isEmpty, shape.allSatisfy({ $0 > 0 }), pixels.count.isMultiple(of: size) else {
            throw ZooError(
                "\(pixels.count) bytes are no whole number of images \(shape)", kind: .usage, code: .mismatch)
        }
        let count = pixels.count / size
        guard count > 0, count <= Int32.max else {
            throw ZooError("\(count) images make no data set", kind: .usage, code: .mismatch)
        }
        guard labels.isEmpty || labels.count == count else {
            throw ZooError("\(labels.count) labels for \(count) images", kind: .usage, code: .mismatch)
        }
        if let names = classNames, let label = labels.first(where: { Int($0) >= names.count }) {
            throw ZooError("the label \(label) is of no class: there are \(names.count)", kind: .usage, code: .mismatch)
        }
        guard (0..<count).contains(testCount) else {
            throw ZooError("\(testCount) of \(count) images cannot be test images", kind: .usage)
        }
        let (train, all) = (Int32(count - testCount), Int32(count))
        self.init(
            info: info, count: count, pixels: pixels, labels: labels,
            splits: [.train: Array(0..<train), .test: Array(train..<all)])
    }

    init(
        info: DatasetInfo, count: Int, pixels: [UInt8], labels: [UInt8] = [], factorPositions: [UInt8] = [],
        splits: [Split: [Int32]], notes: [String] = []
    ) {
        self.info = info
        self.count = count
        self.pixels = .array(pixels)
        self.labels = labels.map { Int32($0) }
        self.factorPositions = factorPositions
        self.splits = splits
        self.notes = notes
    }

    /// Pictures that were decoded.
    ///
    /// - Parameter rows: the places of the images among them.
    init(
        info: DatasetInfo, pictures: DecodedPictures, rows: [Int32], labels: [Int32], factorPositions: [UInt8],
        splits: [Split: [Int32]], preparation: ImagePreparation, notes: [String]
    ) {
        self.info = info
        count = rows.count
        pixels = .pictures(pictures, rows: rows)
        self.labels = labels
        self.factorPositions = factorPositions
        self.splits = splits
        imagePreparation = preparation
        self.notes = notes
    }

    public func indices(of split: Split) -> [Int32] {
        splits[split] ?? []
    }

    public func readImages(
        _ indices: UnsafeBufferPointer<Int32>, into output: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        let byteCount = info.imageByteCount
        precondition(output.count >= indices.count * byteCount, "the buffer is too small for \(indices.count) images")
        let output = UnsafeMutableRawBufferPointer(output)
        for (position, index) in indices.enumerated() {
            precondition(index >= 0 && index < count, "image \(index) of \(count)")
            let target = UnsafeMutableRawBufferPointer(
                rebasing: output[position * byteCount..<(position + 1) * byteCount])
            switch pixels {
            case .array(let bytes):
                bytes.withUnsafeBytes { bytes in
                    let first = Int(index) * byteCount
                    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[first..<first + byteCount]))
                }
            case .pictures(let pictures, let rows): try pictures.copy(Int(rows[Int(index)]), to: target)
            }
        }
    }

    public func label(_ index: Int) -> Int? {
        labels.isEmpty ? nil : Int(labels[index])
    }

    public func factors(_ index: Int) -> [Int]? {
        guard let factorCount = info.factors?.count, !factorPositions.isEmpty else { return nil }
        return factorPositions[(index * factorCount)..<((index + 1) * factorCount)].map(Int.init)
    }
}

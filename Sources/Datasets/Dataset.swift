import TensorCore

/// One way in which the images of a data set vary, with a known position for every image.
public struct Factor: Sendable, Equatable {
    /// What varies, for example "scale".
    public let name: String
    /// The number of positions.
    public let count: Int
    /// The value at each position, where positions are numbers (a scale, an angle in radians, a place in [0, 1]).
    public let values: [Double]?
    /// The name of each position, where positions are kinds (shapes, colours).
    public let valueNames: [String]?

    public init(name: String, values: [Double]) {
        self.name = name
        count = values.count
        self.values = values
        valueNames = nil
    }

    public init(name: String, valueNames: [String]) {
        self.name = name
        count = valueNames.count
        values = nil
        self.valueNames = valueNames
    }
}

/// What there is to say about a data set; `zoo data info` prints it.
public struct DatasetInfo: Sendable, Equatable {
    /// The name in commands and definitions, for example "mnist".
    public let name: String
    /// The name in prose.
    public let title: String
    /// One sentence.
    public let summary: String
    /// The licence of the data, as the publisher states it.
    public let license: String
    /// The publisher's page.
    public let source: String
    /// The shape of one image, C H W; or D of vectors.
    public let shape: [Int]
    /// The names of the labels 0, 1, …, where images have labels.
    public let classNames: [String]?
    /// The factors of variation, where they are known.
    public let factors: [Factor]?
    /// True if the images are computed and need no files.
    public let isGenerated: Bool

    public init(
        name: String, title: String, summary: String, license: String, source: String, shape: [Int],
        classNames: [String]? = nil, factors: [Factor]? = nil, isGenerated: Bool = false
    ) {
        self.name = name
        self.title = title
        self.summary = summary
        self.license = license
        self.source = source
        self.shape = shape
        self.classNames = classNames
        self.factors = factors
        self.isGenerated = isGenerated
    }

    /// Samples of one image, C · H · W; or numbers of one vector, D.
    public var sampleCount: Int { shape.reduce(1, *) }

    /// The bytes of one image: C · H · W, one byte a sample.
    public var imageByteCount: Int { sampleCount }

    /// Whether it has vectors of D numbers in place of images.
    public var isVector: Bool { shape.count == 1 }
}

/// A part of a data set.
public enum Split: String, CaseIterable, Sendable {
    case train
    case validation
    case test
}

/// Images of one shape, 8 bits a sample, addressed by index. Of real numbers, see `NumericDataset`.
public protocol Dataset: Sendable {
    var info: DatasetInfo { get }

    /// How its real numbers become those that a model sees; nil for images of bytes, of which 0…255 become 0…1.
    var valueScaling: ValueScaling? { get }

    /// How its pictures became images; nil where they came as images.
    var imagePreparation: ImagePreparation? { get }

    /// What a user should know about how it was read, for instance which files were left out.
    var notes: [String] { get }

    /// The number of images in all splits together. Indices are `0..<count`.
    var count: Int { get }

    /// The images of `split` as the publisher defines it. Validation is empty where the publisher has none;
    /// `DataSplits` then takes one from the training images.
    func indices(of split: Split) -> [Int32]

    /// Writes the samples of the images, one image after another, into `pixels`.
    ///
    /// Each image is H W C (channels last), so `pixels` needs `indices.count * info.imageByteCount` bytes.
    /// Any number of threads may call this at once. Indices outside `0..<count` and too small a buffer are
    /// programming errors.
    ///
    /// - Throws: `ZooError` for images that are in a file that can no longer be read.
    func readImages(_ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>) throws

    /// Writes the numbers of the rows as a model sees them, one row after another in C H W order, into `numbers`.
    ///
    /// Any number of threads may call this at once. Indices outside `0..<count` and too small a buffer are programming
    /// errors.
    ///
    /// - Throws: `ZooError` for rows that are in a file that can no longer be read.
    func readNumbers(_ indices: UnsafeBufferPointer<Int32>, into numbers: UnsafeMutableBufferPointer<Float>) throws

    /// The label of an image, an index into `info.classNames`; nil if the data set has no labels.
    func label(_ index: Int) -> Int?

    /// The factor positions of an image, in the order of `info.factors`; nil if the data set has no factors.
    func factors(_ index: Int) -> [Int]?
}

extension Dataset {
    public var valueScaling: ValueScaling? { nil }
    public var imagePreparation: ImagePreparation? { nil }
    public var notes: [String] { [] }
    public func label(_ index: Int) -> Int? { nil }
    public func factors(_ index: Int) -> [Int]? { nil }

    /// Bytes as numbers from 0 to 1.
    public func readNumbers(
        _ indices: UnsafeBufferPointer<Int32>, into numbers: UnsafeMutableBufferPointer<Float>
    ) throws {
        let size = info.sampleCount
        precondition(numbers.count >= indices.count * size, "the buffer is too small for \(indices.count) images")
        _ = numbers.update(from: Tensor.planes(try images(Array(indices)), Shape(info.shape)))
    }

    /// The samples of the images, one image after another, H W C.
    ///
    /// - Throws: `ZooError` for images that are in a file that can no longer be read.
    public func images(_ indices: [Int32]) throws -> [UInt8] {
        let byteCount = indices.count * info.imageByteCount
        return try [UInt8](unsafeUninitializedCapacity: byteCount) { pixels, count in
            try indices.withUnsafeBufferPointer { try readImages($0, into: pixels) }
            count = byteCount
        }
    }
}

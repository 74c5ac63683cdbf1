/// A file of named tensors, whose values are read when they are asked for.
public protocol TensorFile: Sendable {
    /// The format in a word, for instance `safetensors`.
    var formatName: String { get }
    /// In the order of the file, or of the model where the file says it.
    var entries: [TensorEntry] { get }

    /// The values of the entry with this index in `entries`, row-major, as f32.
    ///
    /// - Throws: `ZooError` when they cannot be read, are damaged, or are no numbers that f32 holds.
    func values(at index: Int) throws -> [Float]
}

/// What a file says about a tensor without its values.
public struct TensorEntry: Sendable, Equatable {
    /// The name, for instance `encoder.conv1.weight`. It comes from a file, so it may hold anything.
    public var path: String
    /// What it is for: `parameter`, `buffer`, or the optimiser's slot; nil where the file does not say.
    public var role: String?
    /// Extent per axis, slowest first.
    public var shape: [Int]
    /// For instance `f32`.
    public var elementType: String
    /// SHA-256 of the elements that the file states, in hexadecimal digits; nil without.
    public var digest: String?
    /// Bytes of the elements in the file.
    public var byteCount: Int

    public init(
        path: String, role: String? = nil, shape: [Int], elementType: String, digest: String? = nil, byteCount: Int
    ) {
        self.path = path
        self.role = role
        self.shape = shape
        self.elementType = elementType
        self.digest = digest
        self.byteCount = byteCount
    }

    /// Number of elements; files whose shapes overflow are refused when they are read.
    public var elementCount: Int { shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue } }
}

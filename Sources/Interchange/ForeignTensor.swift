import Checkpoints
import FileSupport
import TensorCore

/// A tensor as another tool stored it: elements of any type, not yet converted.
public struct ForeignTensor: Sendable {
    /// The name in the file, for instance `encoder.conv1.weight`.
    public var name: String
    /// Extent per axis, slowest first; empty for a scalar.
    public var shape: [Int]
    public var elementType: StoredElementType
    /// Bytes of the elements.
    public var byteCount: Int { range.count }
    /// Where the elements are, little-endian in row-major order: in the file where that is possible, so that nothing is
    /// read that nobody asks for.
    private let source: any ByteSource
    private let range: Range<Int>

    /// - Precondition: `bytes` are as many as the shape needs.
    public init(name: String, shape: [Int], elementType: StoredElementType, bytes: ArraySlice<UInt8>) {
        self.init(
            name: name, shape: shape, elementType: elementType, source: MemorySource(slice: bytes),
            range: 0..<bytes.count)
    }

    /// - Precondition: `range` is as long as the shape needs, and inside `source`.
    init(name: String, shape: [Int], elementType: StoredElementType, source: some ByteSource, range: Range<Int>) {
        precondition(elementType.byteCount(of: shape) == range.count, "\(name): \(range.count) bytes for \(shape)")
        self.name = name
        self.shape = shape
        self.elementType = elementType
        self.source = source
        self.range = range
    }

    /// A tensor of f32.
    public init(name: String, shape: [Int], values: [Float]) {
        self.init(
            name: name, shape: shape, elementType: .float32, bytes: values.withUnsafeBytes { ArraySlice([UInt8]($0)) })
    }

    /// Most axes of a tensor.
    public static let rankLimit = 8

    /// Checks a tensor's name.
    ///
    /// - Throws: `ZooError` when it is empty, longer than 255 bytes or holds control characters.
    public static func checkName(_ name: String) throws {
        let isControl = name.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
        guard !name.isEmpty, name.utf8.count <= 255, !isControl else {
            throw ZooError(
                "\(String(name.prefix(64)).debugDescription) is no usable name of a tensor: 1 to 255 bytes without control "
                    + "characters", code: .unsupported)
        }
    }

    /// Little-endian elements in row-major order.
    ///
    /// - Throws: `ZooError` when they cannot be read.
    public func bytes() throws -> ArraySlice<UInt8> { try source.slice(range) }

    /// The type of the elements in words, for instance `f32`.
    public var elementTypeName: String { elementType.rawValue }

    /// Whether some values of the element type have no f32 equal to them.
    public var isWiderThanFloat: Bool { elementType == .float64 }

    /// The elements as f32: exact for f16, bf16 and f32, rounded to nearest for f64.
    ///
    /// - Throws: `ZooError` for types that are no floating-point weights, and when they cannot be read.
    public func floats() throws -> [Float] {
        switch elementType {
        case .float32: return try converted(from: UInt32.self) { Float(bitPattern: $0) }
        case .float64: return try converted(from: UInt64.self) { Float(Double(bitPattern: $0)) }
        case .float16: return try converted(from: UInt16.self) { Float(Float16(bitPattern: $0)) }
        case .bfloat16: return try converted(from: UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        default:
            throw ZooError(
                "\(name) holds \(elementType), which are no weights: f32, f16, bf16 or f64 are read", code: .unsupported
            )
        }
    }

    private func converted<Bits: FixedWidthInteger & BitwiseCopyable>(
        from type: Bits.Type, _ convert: (Bits) -> Float
    ) throws -> [Float] {
        try bytes().withUnsafeBytes { source in
            let width = MemoryLayout<Bits>.size
            return [Float](unsafeUninitializedCapacity: source.count / width) { target, count in
                count = source.count / width
                for index in 0..<count {
                    let bits = source.loadUnaligned(fromByteOffset: index * width, as: Bits.self)
                    target.initializeElement(at: index, to: convert(Bits(littleEndian: bits)))
                }
            }
        }
    }

    /// The bytes of its values as f32; nil for types that have none.
    public var floatByteCount: Int? {
        switch elementType {
        case .float32: byteCount
        case .float64: byteCount / 2
        case .float16, .bfloat16: byteCount * 2
        default: nil
        }
    }
}

import FileSupport
import TensorCore

/// A tensor as another tool stored it: elements of any type, not yet converted.
public struct ForeignTensor: Sendable {
    /// The name in the file, for instance `encoder.conv1.weight`.
    public var name: String
    /// Extent per axis, slowest first; empty for a scalar.
    public var shape: [Int]
    public var elementType: StoredElementType
    /// Little-endian elements in row-major order. A slice of the file where that is possible, so that nothing is copied.
    public var bytes: ArraySlice<UInt8>

    /// - Precondition: `bytes` are as many as the shape needs.
    public init(name: String, shape: [Int], elementType: StoredElementType, bytes: ArraySlice<UInt8>) {
        precondition(elementType.byteCount(of: shape) == bytes.count, "\(name): \(bytes.count) bytes for \(shape)")
        self.name = name
        self.shape = shape
        self.elementType = elementType
        self.bytes = bytes
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
                    + "characters")
        }
    }

    /// The type of the elements in words, for instance `f32`.
    public var elementTypeName: String { elementType.rawValue }

    /// Whether some values of the element type have no f32 equal to them.
    public var isWiderThanFloat: Bool { elementType == .float64 }

    /// The elements as f32: exact for f16, bf16 and f32, rounded to nearest for f64.
    ///
    /// - Throws: `ZooError` for types that are no floating-point weights.
    public func floats() throws -> [Float] {
        switch elementType {
        case .float32: return converted(from: UInt32.self) { Float(bitPattern: $0) }
        case .float64: return converted(from: UInt64.self) { Float(Double(bitPattern: $0)) }
        case .float16: return converted(from: UInt16.self) { Float(Float16(bitPattern: $0)) }
        case .bfloat16: return converted(from: UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        default: throw ZooError("\(name) holds \(elementType), which are no weights: f32, f16, bf16 or f64 are read")
        }
    }

    private func converted<Bits: FixedWidthInteger & BitwiseCopyable>(
        from type: Bits.Type, _ convert: (Bits) -> Float
    ) -> [Float] {
        bytes.withUnsafeBytes { source in
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
        case .float32: bytes.count
        case .float64: bytes.count / 2
        case .float16, .bfloat16: bytes.count * 2
        default: nil
        }
    }
}

/// The type of a tensor's elements in a file, all little-endian.
public enum StoredElementType: String, Sendable, CaseIterable, CustomStringConvertible {
    case boolean = "bool"
    case uint8 = "u8"
    case int8 = "i8"
    case uint16 = "u16"
    case int16 = "i16"
    case uint32 = "u32"
    case int32 = "i32"
    case uint64 = "u64"
    case int64 = "i64"
    /// 8 bits with 4 of exponent and 3 of fraction.
    case float8E4M3 = "f8_e4m3"
    /// 8 bits with 5 of exponent and 2 of fraction.
    case float8E5M2 = "f8_e5m2"
    case float16 = "f16"
    /// The upper half of a `float32`.
    case bfloat16 = "bf16"
    case float32 = "f32"
    case float64 = "f64"
    /// Two `float32`.
    case complex64 = "c64"

    /// Bytes per element.
    public var byteCount: Int {
        switch self {
        case .boolean, .uint8, .int8, .float8E4M3, .float8E5M2: 1
        case .uint16, .int16, .float16, .bfloat16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64, .complex64: 8
        }
    }

    public var description: String { rawValue }

    /// The bytes that `shape` elements of this type take; nil where that overflows.
    ///
    /// Zero extents count as one for the overflow: even an empty shape must not overflow for those who multiply it out.
    public func byteCount(of shape: [Int]) -> Int? {
        var total = byteCount
        for extent in shape {
            let (product, overflow) = total.multipliedReportingOverflow(by: max(1, extent))
            guard extent >= 0, !overflow else { return nil }
            total = product
        }
        return shape.contains(0) ? 0 : total
    }
}

/// Writes structures in Thrift's compact protocol, in which the metadata of Parquet are.
///
/// Source: thrift/doc/specs/thrift-compact-protocol.md of Apache Thrift.
struct ThriftWriter {
    private(set) var bytes: [UInt8] = []
    /// The number of the last field of this structure, from which that of the next one is counted.
    private var lastField = 0

    private enum Kind: UInt8 {
        case int32 = 5
        case int64 = 6
        case binary = 8
        case list = 9
        case structure = 12
    }

    mutating func int32(_ field: Int, _ value: Int) {
        begin(field, .int32)
        bytes.append(varint: Self.zigzag(value))
    }

    mutating func int64(_ field: Int, _ value: Int) {
        begin(field, .int64)
        bytes.append(varint: Self.zigzag(value))
    }

    mutating func text(_ field: Int, _ value: String) {
        begin(field, .binary)
        text(value)
    }

    mutating func structure(_ field: Int, _ body: (inout ThriftWriter) -> Void) {
        begin(field, .structure)
        structure(body)
    }

    mutating func int32s(_ field: Int, _ values: [Int]) {
        list(field, values, .int32) { $0.bytes.append(varint: Self.zigzag($1)) }
    }

    mutating func texts(_ field: Int, _ values: [String]) {
        list(field, values, .binary) { $0.text($1) }
    }

    mutating func structures<Element>(
        _ field: Int, _ values: [Element], _ body: (inout ThriftWriter, Element) -> Void
    ) {
        list(field, values, .structure) { writer, value in writer.structure { body(&$0, value) } }
    }

    /// Ends the outermost structure, which has no field.
    mutating func end() { bytes.append(0) }

    private mutating func structure(_ body: (inout ThriftWriter) -> Void) {
        let outer = lastField
        lastField = 0
        body(&self)
        end()
        lastField = outer
    }

    private mutating func list<Element>(
        _ field: Int, _ values: [Element], _ kind: Kind, _ write: (inout ThriftWriter, Element) -> Void
    ) {
        begin(field, .list)
        if values.count < 15 {
            bytes.append(UInt8(truncatingIfNeeded: values.count) << 4 | kind.rawValue)
        } else {
            bytes.append(0xF0 | kind.rawValue)
            bytes.append(varint: UInt64(values.count))
        }
        for value in values { write(&self, value) }
    }

    private mutating func text(_ value: String) {
        bytes.append(varint: UInt64(value.utf8.count))
        bytes += value.utf8
    }

    /// - Precondition: fields come in the order of their numbers, each less than 16 above the one before.
    private mutating func begin(_ field: Int, _ kind: Kind) {
        bytes.append(UInt8(truncatingIfNeeded: field - lastField) << 4 | kind.rawValue)
        lastField = field
    }

    /// Numbers near 0 become small ones.
    private static func zigzag(_ value: Int) -> UInt64 { UInt64(bitPattern: Int64(value << 1 ^ value >> 63)) }
}

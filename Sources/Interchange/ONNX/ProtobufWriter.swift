/// Writes the wire format of Protocol Buffers, as far as ONNX needs it.
///
/// Source: protobuf.dev, "Encoding". Our own hundred lines and not swift-protobuf, because a reader of files from
/// strangers wants limits at every field, and because generated code would add more to each build than it saves here.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    private mutating func varint(_ value: UInt64) { bytes.append(varint: value) }

    /// A field of an integer.
    mutating func integer(_ field: UInt64, _ value: Int) {
        varint(field << 3)
        varint(UInt64(bitPattern: Int64(value)))
    }

    /// A field of a 32-bit number.
    mutating func float(_ field: UInt64, _ value: Float) {
        varint(field << 3 | 5)
        bytes.append(little: value.bitPattern)
    }

    /// A field of bytes: text, or a message written before.
    mutating func bytes(_ field: UInt64, _ value: some Collection<UInt8>) {
        varint(field << 3 | 2)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func text(_ field: UInt64, _ value: String) {
        bytes(field, value.utf8)
    }

    /// A field of a message.
    mutating func message(_ field: UInt64, _ body: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        body(&inner)
        bytes(field, inner.bytes)
    }
}

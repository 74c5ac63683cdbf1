import TensorCore

/// Writes the safetensors format: the length of a JSON header, the header, and the elements.
///
/// Source: huggingface/safetensors, README, section "Format".
package enum SafeTensorsWriter {
    /// Where the elements begin, in bytes: a multiple of this.
    private static let alignment = 64

    /// The bytes of a file with `tensors` as f32, in the order in which the reference library writes them (by name, as
    /// all have one type), and `metadata`.
    package static func encode(_ tensors: [NamedTensor], metadata: [(name: String, value: String)]) -> [UInt8] {
        let tensors = tensors.sorted { Array($0.path.utf8).lexicographicallyPrecedes(Array($1.path.utf8)) }
        let texts = [("format", "pt")] + metadata.map { ($0.name, $0.value) }
        let pairs = texts.map { "\(JSONText.quoted($0.0)):\(JSONText.quoted($0.1))" }
        var entries = ["\"__metadata__\":{\(pairs.joined(separator: ","))}"]
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.values.count * MemoryLayout<Float>.size
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            entries.append(
                "\(JSONText.quoted(tensor.path)):{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}"
            )
            offset = end
        }
        var header = Array("{\(entries.joined(separator: ","))}".utf8)
        header += [UInt8](repeating: UInt8(ascii: " "), count: (alignment - (8 + header.count) % alignment) % alignment)
        var bytes = withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init)
        bytes.reserveCapacity(8 + header.count + offset)
        bytes += header
        for tensor in tensors { tensor.values.withUnsafeBytes { bytes += $0 } }
        return bytes
    }
}

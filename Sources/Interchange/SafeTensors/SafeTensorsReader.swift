import Checkpoints
import FileSupport
import TensorCore

/// Reads the safetensors format from strangers.
///
/// Source: huggingface/safetensors, README, section "Format". Stricter than the reference library where the format
/// says so: no name twice, no space before the header, no empty name, no number that is not whole.
package enum SafeTensorsReader {
    /// Longest header in bytes, as in the reference library.
    package static let headerLimit = 100_000_000
    /// Most tensors in a file.
    package static let tensorLimit = 65_536

    /// What a file holds.
    package struct Contents {
        package var tensors: [ForeignTensor]
        package var metadata: [String: String]
        /// Fields of tensors that the format does not have, which were passed over.
        package var unknownFields: [String]
    }

    private struct Entry {
        var name: String
        var type: StoredElementType
        var shape: [Int]
        var range: Range<Int>
    }

    /// Reads the bytes of a file.
    ///
    /// - Throws: `ZooError` naming the tensor and the rule that it breaks.
    package static func decode(_ bytes: [UInt8]) throws -> Contents { try decode(MemorySource(bytes)) }

    /// Reads the header of a file, and where its tensors are.
    ///
    /// - Throws: `ZooError` as `decode`.
    static func decode(_ source: some ByteSource) throws -> Contents {
        guard source.byteCount >= 8 else {
            throw ZooError(
                "the file has \(source.byteCount) bytes, too few for safetensors, which begins with 8", code: .damaged)
        }
        let length = try source.bytes(0..<8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= headerLimit, let count = Int(exactly: length), count <= source.byteCount - 8 else {
            throw ZooError(
                "the header of the safetensors file is said to have \(length) bytes; \(source.byteCount - 8) follow, and at "
                    + "most \(headerLimit) are read", code: .damaged)
        }
        // From the beginning, so that problems are named with their place in the file.
        let header = try source.slice(0..<8 + count).dropFirst(8)
        guard header.first == UInt8(ascii: "{") else {
            throw ZooError("the header of the safetensors file does not begin with \"{\"", code: .damaged)
        }
        var contents = Contents(tensors: [], metadata: [:], unknownFields: [])
        let entries = try entries(header, &contents)
        try checkTiling(entries, byteCount: source.byteCount - 8 - count)
        let start = 8 + count
        contents.tensors = entries.map { entry in
            ForeignTensor(
                name: entry.name, shape: entry.shape, elementType: entry.type, source: source,
                range: start + entry.range.lowerBound..<start + entry.range.upperBound)
        }
        return contents
    }

    private static func entries(_ header: ArraySlice<UInt8>, _ contents: inout Contents) throws -> [Entry] {
        var scanner = JSONScanner(header, subject: "The header of the safetensors file")
        var entries: [Entry] = []
        try scanner.object("the header") { scanner, name in
            if name == "__metadata__" {
                try scanner.object("__metadata__") { scanner, key in
                    contents.metadata[key] = try scanner.string("the text of \(key)")
                }
                return
            }
            try ForeignTensor.checkName(name)
            guard entries.count < tensorLimit else { throw scanner.failure("more than \(tensorLimit) tensors") }
            entries.append(try entry(&scanner, name, &contents))
        }
        try scanner.finish()
        return entries
    }

    private static func entry(
        _ scanner: inout JSONScanner, _ name: String, _ contents: inout Contents
    ) throws -> Entry {
        var typeName: String?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object(name) { scanner, field in
            switch field {
            case "dtype": typeName = try scanner.string("the dtype of \(name)")
            case "shape": shape = try scanner.integers("the shape of \(name)", limit: ForeignTensor.rankLimit)
            case "data_offsets": offsets = try scanner.integers("the data_offsets of \(name)", limit: 2)
            default:
                try scanner.skip("\(field) of \(name)", depth: 2)
                if contents.unknownFields.count < 16 { contents.unknownFields.append("\(name).\(field)") }
            }
        }
        guard let typeName, let shape, let offsets, offsets.count == 2 else {
            throw scanner.failure("\(name) lacks its dtype, shape or two data_offsets")
        }
        guard let type = StoredElementType.allCases.first(where: { $0.safeTensorsName == typeName }) else {
            throw scanner.failure("\(name) has the unknown dtype \"\(typeName.prefix(24))\"")
        }
        guard offsets[0] <= offsets[1] else { throw scanner.failure("\(name) ends at \(offsets[1]), before it begins") }
        guard let byteCount = type.byteCount(of: shape), byteCount == offsets[1] - offsets[0] else {
            throw scanner.failure(
                "\(name) has \(shape) of \(type), and \(offsets[1] - offsets[0]) bytes are given to it")
        }
        return Entry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
    }

    /// Checks that the tensors lie one after another from the first to the last byte.
    private static func checkTiling(_ entries: [Entry], byteCount: Int) throws {
        var end = 0
        for entry in entries.sorted(by: {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }) {
            guard entry.range.lowerBound == end else {
                throw ZooError(
                    "the safetensors file is damaged: \(entry.name) begins at byte \(entry.range.lowerBound) of the data, "
                        + (entry.range.lowerBound < end ? "inside the tensor" : "with a gap behind the tensor")
                        + " that ends at \(end)", code: .damaged)
            }
            end = entry.range.upperBound
        }
        guard end == byteCount else {
            throw ZooError(
                "the safetensors file is damaged: its tensors take \(end) bytes, and \(byteCount) follow the header",
                code: .damaged)
        }
    }
}

extension StoredElementType {
    /// The `dtype` of safetensors.
    var safeTensorsName: String {
        switch self {
        case .boolean: "BOOL"
        case .uint8: "U8"
        case .int8: "I8"
        case .uint16: "U16"
        case .int16: "I16"
        case .uint32: "U32"
        case .int32: "I32"
        case .uint64: "U64"
        case .int64: "I64"
        case .float8E4M3: "F8_E4M3"
        case .float8E5M2: "F8_E5M2"
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .float32: "F32"
        case .float64: "F64"
        case .complex64: "C64"
        }
    }
}

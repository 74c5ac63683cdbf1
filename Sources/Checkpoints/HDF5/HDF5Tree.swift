import FileSupport
import TensorCore

/// A group of an HDF5 file: attributes and named members. The root of a file is a group.
///
/// `Payload` is what a dataset carries: `HDF5Values` before writing, `HDF5Extent` after reading.
package struct HDF5Group<Payload: Sendable>: Sendable {
    /// Attributes in file order.
    package var attributes: [HDF5Attribute]
    /// Members in file order; names are unique.
    package var members: [HDF5Member<Payload>]

    package init(attributes: [HDF5Attribute] = [], members: [HDF5Member<Payload>] = []) {
        self.attributes = attributes
        self.members = members
    }

    /// The member called `name`, if there is one.
    package subscript(name: String) -> HDF5Node<Payload>? {
        members.first { $0.name == name }?.node
    }

    /// Puts `node` at `path` (names from this group downwards), making the groups between.
    ///
    /// - Throws: `ZooError` when the place is taken, or a dataset stands where a group is needed.
    package mutating func insert(_ node: HDF5Node<Payload>, at path: ArraySlice<String>) throws {
        guard let name = path.first else {
            throw ZooError("an HDF5 object needs a name; its path is empty", code: .invalidValue)
        }
        let rest = path.dropFirst()
        let place = members.firstIndex { $0.name == name }
        guard let place else {
            if rest.isEmpty {
                members.append(HDF5Member(name: name, node: node))
            } else {
                var group = HDF5Group()
                try group.insert(node, at: rest)
                members.append(HDF5Member(name: name, node: .group(group)))
            }
            return
        }
        guard !rest.isEmpty, case .group(var group) = members[place].node else {
            throw ZooError(
                "the HDF5 name \"\(name)\" is used twice: for a tensor, and for another tensor or a group",
                advice: "rename one of the two layers or tensors", code: .alreadyExists)
        }
        // Gives up the place's reference meanwhile, so that the members are changed and not copied.
        members[place].node = .group(HDF5Group())
        defer { members[place].node = .group(group) }
        try group.insert(node, at: rest)
    }
}

/// A named member of a group: an HDF5 hard link.
package struct HDF5Member<Payload: Sendable>: Sendable {
    package var name: String
    package var node: HDF5Node<Payload>

    package init(name: String, node: HDF5Node<Payload>) {
        self.name = name
        self.node = node
    }
}

/// A group or a dataset.
package enum HDF5Node<Payload: Sendable>: Sendable {
    case group(HDF5Group<Payload>)
    case dataset(HDF5Dataset<Payload>)
}

/// An array of one element type with attributes.
package struct HDF5Dataset<Payload: Sendable>: Sendable {
    /// Extent per axis, slowest first; empty for a scalar.
    package var shape: [Int]
    package var payload: Payload
    package var attributes: [HDF5Attribute]

    package init(shape: [Int], payload: Payload, attributes: [HDF5Attribute] = []) {
        self.shape = shape
        self.payload = payload
        self.attributes = attributes
    }
}

/// A named value on a group or dataset.
package struct HDF5Attribute: Sendable, Equatable {
    package var name: String
    package var value: HDF5AttributeValue

    package init(_ name: String, _ value: HDF5AttributeValue) {
        self.name = name
        self.value = value
    }
}

/// What an attribute of our profile may hold. Strings are fixed-length ASCII, padded with NUL.
package enum HDF5AttributeValue: Sendable, Equatable {
    case string(String)
    case strings([String])
    case integer(Int64)
    case unsigned(UInt64)
    case real(Double)
    /// Strings in the heap at the end of the file's structures, not yet looked up; only in files of other tools.
    case references([HDF5HeapReference], isScalar: Bool)
    /// A value that is not read, for instance "f64 [3]"; only in files of other tools.
    case unread(String)
}

/// The element types of our profile, all little-endian in the file.
package enum HDF5ElementType: Sendable, Equatable, CustomStringConvertible {
    case float16
    case float32
    case float64
    case int64
    case uint64
    case uint8
    /// A fixed-length string of so many bytes, padded with NUL.
    case string(byteCount: Int)
    /// Another type of numbers, only in files of other tools.
    case other(StoredElementType)
    /// Strings of any length in a heap, only in files of other tools.
    case variableString
    /// So many bytes whose meaning the file does not say, only in files of other tools.
    case opaque(byteCount: Int)

    /// Bytes per element.
    package var byteCount: Int {
        switch self {
        case .float16: 2
        case .float32: 4
        case .float64, .int64, .uint64: 8
        case .uint8: 1
        case .string(let byteCount): byteCount
        case .other(let type): type.byteCount
        case .variableString: 16
        case .opaque(let byteCount): byteCount
        }
    }

    package var description: String {
        switch self {
        case .float16: "f16"
        case .float32: "f32"
        case .float64: "f64"
        case .int64: "i64"
        case .uint64: "u64"
        case .uint8: "u8"
        case .string(let byteCount): "string of \(byteCount) bytes"
        case .other(let type): type.rawValue
        case .variableString: "string of any length"
        case .opaque(let byteCount): "\(byteCount) bytes of unknown meaning"
        }
    }
}

/// The values of a dataset in memory.
package enum HDF5Values: Sendable, Equatable {
    case float16([Float16])
    case float32([Float])
    case float64([Double])
    case int64([Int64])
    case uint64([UInt64])
    case uint8([UInt8])
    /// One scalar text in UTF-8, without NUL.
    case text(String)

    /// The elements as the file holds them on a little-endian machine.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        switch self {
        case .float16(let values): try values.withUnsafeBytes(body)
        case .float32(let values): try values.withUnsafeBytes(body)
        case .float64(let values): try values.withUnsafeBytes(body)
        case .int64(let values): try values.withUnsafeBytes(body)
        case .uint64(let values): try values.withUnsafeBytes(body)
        case .uint8(let values): try values.withUnsafeBytes(body)
        case .text(let text): try (text.isEmpty ? [0] : Array(text.utf8)).withUnsafeBytes(body)
        }
    }

    /// The element type in the file. An empty text is one NUL, because HDF5 has no strings of length 0.
    package var elementType: HDF5ElementType {
        switch self {
        case .float16: .float16
        case .float32: .float32
        case .float64: .float64
        case .int64: .int64
        case .uint64: .uint64
        case .uint8: .uint8
        case .text(let text): .string(byteCount: max(1, text.utf8.count))
        }
    }

    /// Number of elements.
    package var count: Int {
        switch self {
        case .float16(let values): values.count
        case .float32(let values): values.count
        case .float64(let values): values.count
        case .int64(let values): values.count
        case .uint64(let values): values.count
        case .uint8(let values): values.count
        case .text: 1
        }
    }
}

/// Where the elements of a dataset lie in the file.
package struct HDF5Extent: Sendable, Equatable {
    package var elementType: HDF5ElementType
    /// Bytes of the file; checked to be inside it and disjoint from everything else.
    package var range: Range<Int>
    /// The pieces of a dataset that is chunked or was never written, whose `range` is empty; nil for all others.
    package var chunks: HDF5Chunks?
}

import FileSupport
import TensorCore

/// The header messages our profile knows.
///
/// Source: HDF5 File Format Specification 3.0, section IV.A.2.
enum HDF5Message {
    /// Where the elements of a contiguous dataset lie; `address` is nil when there are none.
    struct Layout {
        let address: Int?
        let byteCount: Int
        /// Whether the elements lie in the object header.
        var isCompact = false
        /// How the elements lie in chunks, whose index is then at `address`; nil where they do not.
        var chunks: HDF5ChunkLayout?
    }

    /// The extent per axis of a dataset, and how large it may grow.
    struct Dataspace {
        let shape: [Int]
        /// `Int.max` where there is no limit.
        let largest: [Int]
    }

    /// Dataspace, version 2 (of other tools also 1).
    static func dataspace(_ cursor: inout ByteCursor, _ limits: HDF5Limits) throws -> Dataspace {
        let version = try cursor.version("dataspace version", limits.profile == .foreign ? 1...2 : 2...2)
        let rank = Int(try cursor.byte("rank"))
        let flags = try cursor.byte("dataspace flags")
        // Version 1 tells scalars by their rank alone, and reserves 5 bytes.
        let kind = version == 1 ? (rank == 0 ? 0 : 1) : try cursor.byte("dataspace kind")
        if version == 1 { _ = try cursor.bytes(5, "reserved") }
        guard rank <= limits.rank else {
            throw cursor.unsupported("\(rank) axes; at most \(limits.rank) are read")
        }
        guard kind == 0 && rank == 0 || kind == 1 && rank > 0 else {
            throw cursor.unsupported("a dataspace of kind \(kind) and \(rank) axes")
        }
        guard flags & ~1 == 0 else { throw cursor.unsupported("dataspace flags \(flags)") }
        var shape: [Int] = []
        for _ in 0..<rank { shape.append(try cursor.integer(bytes: 8, "extent")) }
        var largest = shape
        if flags & 1 == 1 {
            for (axis, extent) in shape.enumerated() {
                let value = try cursor.unsigned(bytes: 8, "largest extent")
                guard value == UInt64(extent) || limits.profile == .foreign else {
                    throw cursor.unsupported("a dataset that can grow")
                }
                largest[axis] = Int(clamping: value)
                guard largest[axis] >= extent else {
                    throw cursor.damaged("an extent of \(extent) where \(value) is the largest")
                }
            }
        }
        return Dataspace(shape: shape, largest: largest)
    }

    /// Datatype, version 1 to 3: one of the little-endian types of the profile.
    static func datatype(_ cursor: inout ByteCursor, _ limits: HDF5Limits) throws -> HDF5ElementType {
        let classAndVersion = try cursor.byte("datatype class")
        let bits = try cursor.unsigned(bytes: 3, "datatype bits")
        let size = try cursor.integer(bytes: 4, "datatype size")
        // Later versions changed references and added complex numbers; all that is read here stayed as it was.
        guard (1...(limits.profile == .foreign ? 5 : 3)).contains(classAndVersion >> 4) else {
            throw cursor.unsupported("datatype version \(classAndVersion >> 4)")
        }
        if limits.profile == .foreign {
            return try foreignType(&cursor, kind: classAndVersion & 15, bits: bits, size: size)
        }
        switch classAndVersion & 15 {
        case 0:
            let offset = try cursor.unsigned(bytes: 2, "bit offset")
            let precision = try cursor.integer(bytes: 2, "bit precision")
            guard offset == 0, precision == size * 8 else {
                throw cursor.unsupported("an integer of \(precision) bits in \(size) bytes")
            }
            switch (size, bits) {
            case (8, 0x08): return .int64
            case (8, 0x00): return .uint64
            case (1, 0x00): return .uint8
            default: throw cursor.unsupported("an integer type of \(size) bytes with bits \(bits)")
            }
        case 1:
            let properties = Array(try cursor.bytes(12, "floating-point properties"))
            switch (size, bits, properties) {
            case (2, 0x0F20, [0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0]): return .float16
            case (4, 0x1F20, [0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]): return .float32
            case (8, 0x3F20, [0, 0, 64, 0, 52, 11, 0, 52, 255, 3, 0, 0]): return .float64
            default: throw cursor.unsupported("a floating-point type of \(size) bytes that is not IEEE little-endian")
            }
        case 3:
            guard bits == 0x01 || bits == 0x11, size > 0 else {
                throw cursor.unsupported("a string type that is not fixed-length and padded with NUL")
            }
            return .string(byteCount: size)
        case let other:
            throw cursor.unsupported("datatype class \(other)")
        }
    }

    /// Data layout, version 3, contiguous (of other tools also to version 5, compact and chunked).
    static func layout(_ cursor: inout ByteCursor, _ limits: HDF5Limits) throws -> Layout {
        let version = try cursor.version("layout version", limits.profile == .foreign ? 3...5 : 3...3)
        let kind = try cursor.byte("layout class")
        if limits.profile == .foreign, kind == 0 { return try compactLayout(&cursor) }
        if limits.profile == .foreign, kind == 2 {
            return version == 3
                ? try chunkedLayout(&cursor, limits) : try chunkedLayoutVersion4(&cursor, version: version, limits)
        }
        guard kind == 1 else {
            throw cursor.unsupported("\(["compact", "contiguous", "chunked", "virtual"].element(kind)) layout")
        }
        return Layout(
            address: try cursor.address("data address"), byteCount: try cursor.integer(bytes: 8, "data size"))
    }

    /// A hard link.
    struct Link {
        let name: String
        /// Where the object begins.
        let address: Int
        /// Which of the group's links it was when it was made, if the group counts them.
        var order: UInt64?
    }

    /// Link, version 1, hard.
    static func link(_ cursor: inout ByteCursor, _ limits: HDF5Limits) throws -> Link {
        try cursor.version("link version", 1...1)
        let flags = try cursor.byte("link flags")
        guard flags & 0xE0 == 0 else { throw cursor.unsupported("link flags \(flags)") }
        let kind = flags & 0x08 == 0 ? 0 : try cursor.byte("link type")
        guard kind == 0 else {
            throw cursor.unsupported(
                kind == 1 ? "a soft link" : kind == 64 ? "an external link" : "a link of type \(kind)")
        }
        let order = flags & 0x04 == 0 ? nil : try cursor.unsigned(bytes: 8, "creation order")
        if flags & 0x10 != 0 { try cursor.version("name character set", 0...1) }
        let length = try cursor.integer(bytes: 1 << Int(flags & 3), "name length")
        let name = try cursor.text(length, "name")
        try limits.checkName(name)
        guard let address = try cursor.address("object address") else {
            throw cursor.damaged("the link \"\(name)\" leads nowhere")
        }
        return Link(name: name, address: address, order: order)
    }

    /// Link info, version 0: where the links are that do not stand in the group's header; nil if there are none.
    static func linkInfo(_ cursor: inout ByteCursor, _ limits: HDF5Limits) throws -> HDF5DenseStorage? {
        try cursor.version("link info version", 0...0)
        return try denseStorage(&cursor, limits, indexWidth: 8, "links")
    }

    /// Attribute info, version 0: where the attributes are that do not stand in the object's header; nil if there are none.
    static func attributeInfo(_ cursor: inout ByteCursor, _ limits: HDF5Limits) throws -> HDF5DenseStorage? {
        try cursor.version("attribute info version", 0...0)
        return try denseStorage(&cursor, limits, indexWidth: 2, "attributes")
    }

    private static func denseStorage(
        _ cursor: inout ByteCursor, _ limits: HDF5Limits, indexWidth: Int, _ what: String
    ) throws -> HDF5DenseStorage? {
        let flags = try cursor.byte("flags")
        guard flags & ~3 == 0 else { throw cursor.unsupported("flags \(flags)") }
        if flags & 1 != 0 { _ = try cursor.bytes(indexWidth, "largest creation index") }
        let heap = try cursor.address("heap address")
        let names = try cursor.address("index address")
        // The index by order of creation has the same entries.
        let order = flags & 2 == 0 ? nil : try cursor.address("index address")
        guard limits.profile == .foreign || (heap == nil && names == nil && order == nil) else {
            throw cursor.unsupported("\(what) in a heap")
        }
        guard let heap else { return nil }
        guard let names else { throw cursor.damaged("\(what) in a heap without an index") }
        return HDF5DenseStorage(heap: heap, index: names)
    }

    /// Attribute, version 3 (of other tools also 1 and 2), with its value.
    ///
    /// - Parameter resolve: gives the datatype that a shared message stands for.
    static func attribute(
        _ cursor: inout ByteCursor, _ limits: HDF5Limits, stringBudget: inout Int,
        resolve: (inout ByteCursor) throws -> ByteCursor
    ) throws -> HDF5Attribute {
        let version = try cursor.version("attribute version", limits.profile == .foreign ? 1...3 : 3...3)
        let flags = try cursor.byte("attribute flags")
        // Version 1 has no flags.
        let hasSharedType = version > 1 && flags == 1 && limits.profile == .foreign
        guard flags == 0 || hasSharedType else {
            throw cursor.unsupported("shared types in an attribute (flags \(flags))")
        }
        let nameLength = try cursor.integer(bytes: 2, "name length")
        let typeLength = try cursor.integer(bytes: 2, "datatype length")
        let spaceLength = try cursor.integer(bytes: 2, "dataspace length")
        if version == 3 { try cursor.version("name character set", 0...1) }
        guard nameLength > 0 else { throw cursor.damaged("an attribute without a name") }
        let name = try cursor.text(nameLength - 1, "name")
        guard try cursor.byte("end of name") == 0 else { throw cursor.damaged("the name does not end with NUL") }
        // Version 1 fills each part up to a multiple of 8 bytes.
        func skipFill(_ length: Int) throws { if version == 1 { _ = try cursor.bytes((8 - length % 8) % 8, "fill") } }
        try skipFill(nameLength)
        try limits.checkName(name)
        var typeCursor = try cursor.part(typeLength, "the type of attribute \(name)")
        if hasSharedType {
            typeCursor = try resolve(&typeCursor)
        }
        let type = try datatype(&typeCursor, limits)
        if !hasSharedType { try typeCursor.finish() }
        try skipFill(typeLength)
        var spaceCursor = try cursor.part(spaceLength, "the shape of attribute \(name)")
        let shape = try dataspace(&spaceCursor, limits).shape
        try spaceCursor.finish()
        try skipFill(spaceLength)
        return HDF5Attribute(name, try attributeValue(&cursor, type, shape, limits, stringBudget: &stringBudget))
    }

    private static func attributeValue(
        _ cursor: inout ByteCursor, _ type: HDF5ElementType, _ shape: [Int], _ limits: HDF5Limits,
        stringBudget: inout Int
    ) throws -> HDF5AttributeValue {
        // In files of other tools an empty list has whatever type the tool gave it.
        if limits.profile == .foreign, shape.contains(0) { return .strings([]) }
        switch (type, shape.count) {
        case (.string(let size), 0): return .string(try string(&cursor, size, limits, budget: &stringBudget))
        case (.string(let size), 1):
            // Not reserved ahead: an extent that is too large fails at the first string that is not there.
            var strings: [String] = []
            for _ in 0..<shape[0] { strings.append(try string(&cursor, size, limits, budget: &stringBudget)) }
            return .strings(strings)
        case (.int64, 0): return .integer(Int64(bitPattern: try cursor.unsigned(bytes: 8, "value")))
        case (.uint64, 0): return .unsigned(try cursor.unsigned(bytes: 8, "value"))
        case (.float64, 0): return .real(Double(bitPattern: try cursor.unsigned(bytes: 8, "value")))
        case _ where limits.profile == .foreign:
            return try foreignValue(&cursor, type, shape, stringBudget: &stringBudget)
        default: throw cursor.unsupported("an attribute of type \(type) and shape \(shape)")
        }
    }

    /// A string of `size` bytes: ASCII padded with NUL, of other tools UTF-8 up to the first NUL.
    private static func string(
        _ cursor: inout ByteCursor, _ size: Int, _ limits: HDF5Limits, budget: inout Int
    ) throws -> String {
        guard budget > 0 else { throw cursor.unsupported("more strings in attributes than are read") }
        budget -= 1
        let bytes = try cursor.bytes(size, "string")
        let used = bytes.prefix { $0 != 0 }
        if limits.profile == .checkpoint {
            guard bytes[used.endIndex...].allSatisfy({ $0 == 0 }), used.allSatisfy({ $0 < 0x80 }) else {
                throw cursor.unsupported("a string that is not ASCII padded with NUL")
            }
        }
        guard let string = String(validating: used, as: UTF8.self) else {
            throw cursor.damaged("a string is not valid UTF-8")
        }
        return string
    }
}

extension [String] {
    /// The element at `index`, or a description of a class that has no name here.
    fileprivate func element(_ index: UInt8) -> String {
        Int(index) < count ? self[Int(index)] : "class \(index)"
    }
}

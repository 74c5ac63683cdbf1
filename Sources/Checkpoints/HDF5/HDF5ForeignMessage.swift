import FileSupport
import TensorCore

// Messages that h5py and Keras write, and the zoo does not.
//
// Source: HDF5 File Format Specification 3.0, section IV.A.2.

extension HDF5Message {
    /// The rest of a datatype message, whose class, bits and size were read: little-endian numbers, enumerations (as the
    /// numbers they stand for) and strings.
    static func foreignType(
        _ cursor: inout ByteCursor, kind: UInt8, bits: UInt64, size: Int
    ) throws -> HDF5ElementType {
        switch kind {
        case 0:
            let offset = try cursor.unsigned(bytes: 2, "bit offset")
            let precision = try cursor.integer(bytes: 2, "bit precision")
            guard offset == 0, size <= 8, precision == size * 8, bits & ~8 == 0 else {
                throw cursor.unsupported("an integer of \(precision) bits in \(size) bytes, or big-endian")
            }
            switch (size, bits) {
            case (1, 0): return .uint8
            case (1, _): return .other(.int8)
            case (2, 0): return .other(.uint16)
            case (2, _): return .other(.int16)
            case (4, 0): return .other(.uint32)
            case (4, _): return .other(.int32)
            case (8, 0): return .uint64
            case (8, _): return .int64
            default: throw cursor.unsupported("an integer of \(size) bytes")
            }
        case 1:
            let properties = Array(try cursor.bytes(12, "floating-point properties"))
            switch (size, bits, properties) {
            case (2, 0x0F20, [0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0]): return .float16
            case (2, 0x0F20, [0, 0, 16, 0, 7, 8, 0, 7, 127, 0, 0, 0]): return .other(.bfloat16)
            case (4, 0x1F20, [0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]): return .float32
            case (8, 0x3F20, [0, 0, 64, 0, 52, 11, 0, 52, 255, 3, 0, 0]): return .float64
            default: throw cursor.unsupported("a floating-point type of \(size) bytes that is not IEEE little-endian")
            }
        case 3:
            guard bits & ~0x13 == 0, bits & 3 <= 2, size > 0 else {
                throw cursor.unsupported("a string type with bits \(bits)")
            }
            return .string(byteCount: size)
        case 5:
            guard size > 0 else { throw cursor.damaged("opaque elements of no bytes") }
            _ = try cursor.bytes(cursor.remaining, "tag")
            return .opaque(byteCount: size)
        case 8:
            // An enumeration: its base type, then names and values, which are of no use here.
            let base = try cursor.byte("base type")
            let bits = try cursor.unsigned(bytes: 3, "base bits")
            let size = try cursor.integer(bytes: 4, "base size")
            guard base & 15 == 0 else { throw cursor.unsupported("an enumeration of class \(base & 15)") }
            let type = try foreignType(&cursor, kind: 0, bits: bits, size: size)
            _ = try cursor.bytes(cursor.remaining, "names and values")
            return type
        case 9:
            guard bits & 0x0F == 1, size == 16 else { throw cursor.unsupported("sequences of any length") }
            _ = try cursor.bytes(cursor.remaining, "base type")
            return .variableString
        default: throw cursor.unsupported("datatype class \(kind)")
        }
    }

    /// The value of an attribute that the zoo would not write.
    static func foreignValue(
        _ cursor: inout ByteCursor, _ type: HDF5ElementType, _ shape: [Int], stringBudget: inout Int
    ) throws -> HDF5AttributeValue {
        guard type == .variableString, shape.count <= 1 else {
            _ = try cursor.bytes(cursor.remaining, "value")
            return .unread("\(type) \(shape)")
        }
        var references: [HDF5HeapReference] = []
        for _ in 0..<(shape.first ?? 1) {
            guard stringBudget > 0 else { throw cursor.unsupported("more strings in attributes than are read") }
            stringBudget -= 1
            references.append(
                HDF5HeapReference(
                    byteCount: try cursor.integer(bytes: 4, "string length"),
                    heap: try cursor.integer(bytes: 8, "heap address"),
                    index: try cursor.integer(bytes: 4, "place in the heap")))
        }
        return .references(references, isScalar: shape.isEmpty)
    }

    /// The rest of a layout message of data in the object header.
    static func compactLayout(_ cursor: inout ByteCursor) throws -> Layout {
        let byteCount = try cursor.integer(bytes: 2, "data size")
        let address = cursor.offset
        _ = try cursor.bytes(byteCount, "data")
        return Layout(address: address, byteCount: byteCount, isCompact: true)
    }

    /// The rest of a layout message of data in chunks with an index of version 1.
    static func chunkedLayout(_ cursor: inout ByteCursor, _ limits: HDF5Limits) throws -> Layout {
        let count = Int(try cursor.byte("axes of a chunk"))
        guard (2...limits.rank + 1).contains(count) else { throw cursor.unsupported("chunks of \(count - 1) axes") }
        let address = try cursor.address("index address")
        var shape: [Int] = []
        for _ in 0..<count { shape.append(try cursor.integer(bytes: 4, "extent of a chunk")) }
        return Layout(address: address, byteCount: 0, chunks: try chunks(shape, .tree, cursor))
    }

    /// The rest of a layout message, version 4 or 5, of data in chunks.
    static func chunkedLayoutVersion4(
        _ cursor: inout ByteCursor, version: UInt8, _ limits: HDF5Limits
    ) throws -> Layout {
        let flags = try cursor.byte("flags of chunks")
        guard flags & ~3 == 0 else { throw cursor.unsupported("chunks with flags \(flags)") }
        guard flags & 1 == 0 else { throw cursor.unsupported("chunks at the edge that skip the filters") }
        let count = Int(try cursor.byte("axes of a chunk"))
        guard (2...limits.rank + 1).contains(count) else { throw cursor.unsupported("chunks of \(count - 1) axes") }
        let width = Int(try cursor.byte("bytes of an extent"))
        guard (1...8).contains(width) else { throw cursor.damaged("extents of \(width) bytes") }
        var shape: [Int] = []
        for _ in 0..<count { shape.append(try cursor.integer(bytes: width, "extent of a chunk")) }
        let index: HDF5ChunkLayout.Index
        switch try cursor.byte("index of chunks") {
        case 1:
            var byteCount: Int?
            if flags & 2 != 0 {
                byteCount = try cursor.integer(bytes: 8, "chunk size")
                guard try cursor.unsigned(bytes: 4, "filter mask") == 0 else {
                    throw cursor.unsupported("a chunk that skipped a filter")
                }
            }
            index = .single(byteCount: byteCount)
        case 2: index = .implicit
        case 3:
            _ = try cursor.byte("page size")
            index = .fixedArray
        case 4:
            _ = try cursor.bytes(5, "sizes of an extensible array")
            index = .extensibleArray
        case 5:
            _ = try cursor.bytes(6, "sizes of a tree")
            index = .treeVersion2
        case let kind: throw cursor.unsupported("an index of chunks of type \(kind)")
        }
        let address = try cursor.address("index address")
        return Layout(address: address, byteCount: 0, chunks: try chunks(shape, index, cursor))
    }

    private static func chunks(
        _ shape: [Int], _ index: HDF5ChunkLayout.Index, _ cursor: ByteCursor
    ) throws -> HDF5ChunkLayout {
        guard shape.allSatisfy({ $0 > 0 }) else { throw cursor.damaged("chunks of the shape \(shape)") }
        return HDF5ChunkLayout(extents: shape, index: index)
    }

    /// A fill value message of version 1 to 3, or of the kind before: the bytes of one element; empty for zeros.
    static func fillValue(_ cursor: inout ByteCursor, isOld: Bool) throws -> [UInt8] {
        if !isOld {
            let version = try cursor.version("fill value version", 1...3)
            if version == 3 {
                guard try cursor.byte("fill value flags") & 0x20 != 0 else { return [] }
            } else {
                _ = try cursor.bytes(2, "times of allocation and filling")
                guard try cursor.byte("whether there is a fill value") != 0 || version == 1 else { return [] }
            }
        }
        let byteCount = try cursor.unsigned(bytes: 4, "size of the fill value")
        // Version 1 says with a negative size that there is none.
        return byteCount > UInt64(Int32.max) ? [] : Array(try cursor.bytes(Int(byteCount), "fill value"))
    }

    /// A shared message: where the object begins whose message it stands for.
    static func sharedMessage(_ cursor: inout ByteCursor) throws -> Int {
        let version = try cursor.version("version of a shared message", 1...3)
        let kind = try cursor.byte("type of a shared message")
        guard version < 3 || kind == 2 else { throw cursor.unsupported("a message in the heap of shared messages") }
        if version == 1 { _ = try cursor.bytes(6, "reserved") }
        guard let address = try cursor.address("shared message address") else {
            throw cursor.damaged("a shared message that is nowhere")
        }
        return address
    }
}

/// A filter that chunks go through when they are written.
enum HDF5Filter: UInt64, Sendable {
    case deflate = 1
    /// First the first bytes of all elements, then the second …
    case shuffle = 2

    /// The filter pipeline message, version 1 or 2.
    static func list(_ cursor: inout ByteCursor) throws -> [HDF5Filter] {
        let version = try cursor.version("filter version", 1...2)
        let count = Int(try cursor.byte("number of filters"))
        if version == 1 { _ = try cursor.bytes(6, "reserved") }
        var filters: [HDF5Filter] = []
        for _ in 0..<count {
            let id = try cursor.unsigned(bytes: 2, "filter")
            guard let filter = HDF5Filter(rawValue: id), !filters.contains(filter) else {
                throw cursor.unsupported("filter \(id); deflate (1) and shuffle (2) are read, each once")
            }
            let nameLength = version == 1 ? try cursor.integer(bytes: 2, "name length") : 0
            _ = try cursor.bytes(2, "filter flags")
            let valueCount = try cursor.integer(bytes: 2, "number of values")
            _ = try cursor.bytes((nameLength + 7) / 8 * 8, "filter name")
            _ = try cursor.bytes(4 * valueCount + (version == 1 && valueCount % 2 == 1 ? 4 : 0), "values")
            filters.append(filter)
        }
        return filters
    }
}

import FileSupport
import TensorCore

/// Reads the structure of an HDF5 file of our profile: groups, attributes and where the elements of each dataset lie.
///
/// Meant for files from strangers. Everything is bounded by the length of the file and `HDF5Limits`; only hard links
/// are followed, so nothing outside the file is ever touched; all metadata checksums are verified; whatever is outside
/// the profile is an "unsupported" error. See docs/checkpoint-format.md.
package enum HDF5Reader {
    /// Reads the tree of `source`, of which the first `superblock.endOfFile` bytes are HDF5.
    ///
    /// - Throws: `ZooError` naming the byte and the structure that is damaged or unsupported.
    package static func read(
        _ source: some ByteSource, limits: HDF5Limits = HDF5Limits()
    ) throws -> HDF5Group<HDF5Extent> {
        let superblock = try HDF5Superblock(source, profile: limits.profile)
        var state = HDF5ReadingState(limits: limits, byteCount: superblock.endOfFile)
        _ = try state.extents.claim(0, superblock.byteCount, "the superblock")
        let root = try node(source, at: superblock.rootAddress, path: "/", depth: 0, &state)
        guard case .group(let group) = root else {
            throw ZooError("damaged HDF5 data: the root of the file is no group", code: .damaged)
        }
        try state.extents.checkDisjoint()
        return group
    }

    /// Reads the object at `address` and everything below it; nil for a datatype, which has no values.
    private static func node(
        _ source: some ByteSource, at address: Int, path: String, depth: Int, _ state: inout HDF5ReadingState
    ) throws -> HDF5Node<HDF5Extent>? {
        try state.checkDepth(depth, path)
        guard !state.openGroups.contains(address) else {
            throw ZooError(
                "unsupported HDF5 feature: \(path) is a link to a group that contains it", code: .unsupported)
        }
        if let known = state.nodes[address] {
            try state.share(known, path, depth: depth)
            return known
        }
        if state.datatypes[address] != nil { return nil }
        try state.countObject()
        var header = try HDF5ObjectHeader(source, at: address, named: path, &state)
        if let table = header.symbolTable {
            header.links += try HDF5SymbolTable.links(source, tree: table.tree, heap: table.heap, path, &state)
        }
        if let dense = header.denseLinks { header.links += try dense.links(source, path, &state) }
        let isDatatype = !header.isGroup && header.space == nil && header.layout == nil
        if isDatatype, let datatype = header.datatype, !datatype.isShared {
            guard state.limits.profile == .foreign else {
                throw ZooError(
                    "unsupported HDF5 feature: \(path) is a datatype that is an object of its own", code: .unsupported)
            }
            state.datatypes[address] = datatype.body
            return nil
        }
        let attributes = try attributes(source, header, path, &state)
        guard header.isGroup else {
            let node = HDF5Node.dataset(try dataset(source, header, attributes, path, &state))
            state.nodes[address] = node
            return node
        }
        guard header.space == nil, header.datatype == nil, header.layout == nil else {
            throw ZooError("damaged HDF5 data: \(path) is a group and a dataset at once", code: .damaged)
        }
        try checkUnique(header.links.map(\.name), "members", path)
        var group = HDF5Group<HDF5Extent>(attributes: attributes)
        state.openGroups.insert(address)
        for link in header.links {
            let memberPath = path == "/" ? "/\(link.name)" : "\(path)/\(link.name)"
            let member = try node(source, at: link.address, path: memberPath, depth: depth + 1, &state)
            if let member { group.members.append(HDF5Member(name: link.name, node: member)) }
        }
        state.openGroups.remove(address)
        state.nodes[address] = .group(group)
        return .group(group)
    }

    private static func attributes(
        _ source: some ByteSource, _ header: HDF5ObjectHeader, _ path: String, _ state: inout HDF5ReadingState
    ) throws -> [HDF5Attribute] {
        let more = try header.denseAttributes?.attributes(source, path, &state) ?? []
        var attributes: [HDF5Attribute] = []
        for var body in header.attributes + more {
            var strings = state.stringsLeft
            var attribute = try HDF5Message.attribute(&body, state.limits, stringBudget: &strings) { shared in
                try datatype(source, &shared, path, &state)
            }
            state.stringsLeft = strings
            // Messages of version 1 are filled up to a multiple of 8 bytes.
            if state.limits.profile == .checkpoint || body.remaining >= 8 { try body.finish() }
            try state.heaps.resolve(&attribute.value, source, &state.extents)
            attributes.append(attribute)
        }
        try checkUnique(attributes.map(\.name), "attributes", path)
        return attributes
    }

    /// The datatype that the shared message in `cursor` stands for.
    private static func datatype(
        _ source: some ByteSource, _ cursor: inout ByteCursor, _ path: String, _ state: inout HDF5ReadingState
    ) throws -> ByteCursor {
        let address = try HDF5Message.sharedMessage(&cursor)
        if let known = state.datatypes[address] { return known }
        // Only its own message: what is in the header of a datatype never leads on.
        let header = try HDF5ObjectHeader(source, at: address, named: "the datatype of \(path)", &state)
        guard let datatype = header.datatype, !datatype.isShared, !header.isGroup, header.space == nil else {
            throw cursor.damaged("a shared datatype that is none")
        }
        state.datatypes[address] = datatype.body
        return datatype.body
    }

    private static func dataset(
        _ source: some ByteSource, _ header: HDF5ObjectHeader, _ attributes: [HDF5Attribute], _ path: String,
        _ state: inout HDF5ReadingState
    ) throws -> HDF5Dataset<HDF5Extent> {
        guard let space = header.space, var message = header.datatype, let layout = header.layout,
            header.links.isEmpty
        else {
            throw ZooError("damaged HDF5 data: \(path) is neither a whole dataset nor a group", code: .damaged)
        }
        if message.isShared { message.body = try datatype(source, &message.body, path, &state) }
        let type = try HDF5Message.datatype(&message.body, state.limits)
        if state.limits.profile == .checkpoint || message.body.remaining >= 8 { try message.body.finish() }
        let (shape, fillValue) = (space.shape, header.fillValue)
        guard fillValue.isEmpty || fillValue.count == type.byteCount else {
            throw ZooError(
                "damaged HDF5 data: the fill value of \(path) has \(fillValue.count) bytes for \(type)", code: .damaged)
        }
        let byteCount = try HDF5Reader.byteCount(shape, type, path)
        if state.limits.profile == .foreign, type.byteCount > 1 {
            // Its values will be wanted as f32.
            let (floats, overflow) = (byteCount / type.byteCount).multipliedReportingOverflow(
                by: MemoryLayout<Float>.size)
            try state.budget.borrow(overflow ? .max : floats, for: path)
        }
        func inChunks(_ chunks: HDF5Chunks) -> HDF5Dataset<HDF5Extent> {
            HDF5Dataset(
                shape: shape, payload: HDF5Extent(elementType: type, range: 0..<0, chunks: chunks),
                attributes: attributes)
        }
        if let chunks = layout.chunks {
            return inChunks(
                try HDF5Chunks(
                    source, index: layout.address, chunks, space, type, header.filters, fillValue: fillValue,
                    path, &state))
        }
        guard header.filters.isEmpty else {
            throw ZooError("damaged HDF5 data: \(path) has filters, but is not stored in chunks", code: .damaged)
        }
        if state.limits.profile == .foreign, layout.address == nil, byteCount > 0 {
            return inChunks(
                try HDF5Chunks(unwritten: shape, type, fillValue: fillValue, path, &state))
        }
        guard layout.byteCount == byteCount, layout.address != nil || byteCount == 0 else {
            throw ZooError(
                "damaged HDF5 data: \(path) has shape \(shape) of \(type), \(byteCount) bytes, and "
                    + "\(layout.address == nil ? 0 : layout.byteCount) are stored", code: .damaged)
        }
        let range: Range<Int> =
            if byteCount == 0 {
                0..<0
            } else if layout.isCompact, let address = layout.address {
                // Inside the object header, which has claimed it.
                address..<address + byteCount
            } else {
                try state.extents.claim(layout.address ?? 0, byteCount, "the data of \(path)")
            }
        return HDF5Dataset(
            shape: shape, payload: HDF5Extent(elementType: type, range: range), attributes: attributes)
    }

    /// The bytes that `shape` elements of `type` take.
    private static func byteCount(_ shape: [Int], _ type: HDF5ElementType, _ path: String) throws -> Int {
        // Zero extents count as one here: even an empty shape must not overflow for those who multiply it out.
        let byteCount = try shape.reduce(type.byteCount) { total, extent in
            let (product, overflow) = total.multipliedReportingOverflow(by: max(1, extent))
            guard !overflow else {
                throw ZooError(
                    "damaged HDF5 data: \(path) claims the shape \(shape), more than any file can hold", code: .damaged)
            }
            return product
        }
        return shape.contains(0) ? 0 : byteCount
    }

    private static func checkUnique(_ names: [String], _ what: String, _ path: String) throws {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw ZooError("damaged HDF5 data: two \(what) of \(path) are called \"\(name)\"", code: .damaged)
        }
    }
}

extension HDF5Extent {
    /// The elements as they are stored, unpacked.
    ///
    /// - Throws: `ZooError` when they cannot be read or unpacked.
    package func bytes(from source: some ByteSource) throws -> ArraySlice<UInt8> {
        guard let chunks else { return try source.slice(range) }
        return try chunks.assembled(from: source)[...]
    }

    /// Writes the elements as they are stored, unpacked.
    ///
    /// - Parameter target: as long as they are together, all zeros.
    /// - Throws: `ZooError` when they cannot be read or unpacked.
    package func unpack(from source: some ByteSource, into target: UnsafeMutableRawBufferPointer) throws {
        guard let chunks else { return try source.copy(range, to: target) }
        try chunks.assemble(from: source, into: target)
    }

    /// Loads the elements of a dataset of our profile from `source`.
    ///
    /// - Throws: `ZooError` when they cannot be read, or a text is not valid UTF-8 padded with NUL.
    package func load(from source: some ByteSource) throws -> HDF5Values {
        switch elementType {
        case .other, .variableString, .opaque:
            throw ZooError("unsupported HDF5 dataset: elements of type \(elementType)", code: .unsupported)
        case .float16: return .float16(try source.elements(range, as: Float16.self))
        case .float32: return .float32(try source.elements(range, as: Float.self))
        case .float64: return .float64(try source.elements(range, as: Double.self))
        case .int64: return .int64(try source.elements(range, as: Int64.self))
        case .uint64: return .uint64(try source.elements(range, as: UInt64.self))
        case .uint8: return .uint8(try source.bytes(range))
        case .string(let byteCount):
            guard range.count == byteCount else {
                throw ZooError(
                    "unsupported HDF5 dataset: an array of texts, where only one text is read", code: .unsupported)
            }
            let used = try source.bytes(range).prefix { $0 != 0 }
            guard let text = String(validating: used, as: UTF8.self),
                used.count == byteCount || (used.isEmpty && byteCount == 1)
            else {
                throw ZooError(
                    "damaged HDF5 data: a text of \(byteCount) bytes is not UTF-8, or contains NUL", code: .damaged)
            }
            return .text(text)
        }
    }
}

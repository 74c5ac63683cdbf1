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
        _ source: some HDF5Source, limits: HDF5Limits = HDF5Limits()
    ) throws -> HDF5Group<HDF5Extent> {
        let superblock = try HDF5Superblock(source, profile: limits.profile)
        var state = HDF5ReadingState(limits: limits, byteCount: superblock.endOfFile)
        _ = try state.extents.claim(0, superblock.byteCount, "the superblock")
        let root = try node(source, at: superblock.rootAddress, path: "/", depth: 0, &state)
        guard case .group(let group) = root else {
            throw ZooError("Damaged HDF5 data: the root of the file is a dataset instead of a group.")
        }
        try state.extents.checkDisjoint()
        return group
    }

    /// Reads the object at `address` and everything below it.
    ///
    /// A cycle or a second link to an object claims its bytes again, and so ends in an error.
    private static func node(
        _ source: some HDF5Source, at address: Int, path: String, depth: Int, _ state: inout HDF5ReadingState
    ) throws -> HDF5Node<HDF5Extent> {
        guard depth <= state.limits.depth else {
            throw ZooError("Unsupported HDF5 file: groups are nested more than \(state.limits.depth) deep at \(path).")
        }
        guard state.objectsLeft > 0 else {
            throw ZooError("Unsupported HDF5 file: it holds more than \(state.limits.objectCount) objects.")
        }
        state.objectsLeft -= 1
        var header = try HDF5ObjectHeader(source, at: address, named: path, &state)
        if let table = header.symbolTable {
            header.links += try HDF5SymbolTable.links(source, tree: table.tree, heap: table.heap, path, &state)
        }
        for index in header.attributes.indices {
            try state.heaps.resolve(&header.attributes[index].value, source, &state.extents)
        }
        try checkUnique(header.attributes.map(\.name), "attributes", path)
        guard header.isGroup else { return .dataset(try dataset(source, header, path, &state)) }
        guard header.shape == nil, header.elementType == nil, header.layout == nil else {
            throw ZooError("Damaged HDF5 data: \(path) is a group and a dataset at once.")
        }
        try checkUnique(header.links.map(\.name), "members", path)
        var group = HDF5Group<HDF5Extent>(attributes: header.attributes)
        for link in header.links {
            let memberPath = path == "/" ? "/\(link.name)" : "\(path)/\(link.name)"
            let member = try node(source, at: link.address, path: memberPath, depth: depth + 1, &state)
            group.members.append(HDF5Member(name: link.name, node: member))
        }
        return .group(group)
    }

    private static func dataset(
        _ source: some HDF5Source, _ header: HDF5ObjectHeader, _ path: String, _ state: inout HDF5ReadingState
    ) throws -> HDF5Dataset<HDF5Extent> {
        guard let shape = header.shape, let type = header.elementType, let layout = header.layout, header.links.isEmpty
        else {
            throw ZooError("Damaged HDF5 data: \(path) is neither a whole dataset nor a group.")
        }
        let byteCount = try HDF5Reader.byteCount(shape, type, path)
        if state.limits.profile == .foreign, type.byteCount > 1 {
            // Its values will be wanted as f32.
            let (floats, overflow) = (byteCount / type.byteCount).multipliedReportingOverflow(
                by: MemoryLayout<Float>.size)
            try state.budget.borrow(overflow ? .max : floats, for: path)
        }
        if let chunkShape = layout.chunkShape {
            let chunks = try HDF5Chunks(
                source, index: layout.address, chunkShape, shape, type, header.filters, path, &state)
            return HDF5Dataset(
                shape: shape, payload: HDF5Extent(elementType: type, range: 0..<0, chunks: chunks),
                attributes: header.attributes)
        }
        guard header.filters.isEmpty else {
            throw ZooError("Damaged HDF5 data: \(path) has filters, but is not stored in chunks.")
        }
        guard layout.byteCount == byteCount, layout.address != nil || byteCount == 0 else {
            throw ZooError(
                "Damaged HDF5 data: \(path) has shape \(shape) of \(type), \(byteCount) bytes, and "
                    + "\(layout.address == nil ? 0 : layout.byteCount) are stored.")
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
            shape: shape, payload: HDF5Extent(elementType: type, range: range), attributes: header.attributes)
    }

    /// The bytes that `shape` elements of `type` take.
    private static func byteCount(_ shape: [Int], _ type: HDF5ElementType, _ path: String) throws -> Int {
        // Zero extents count as one here: even an empty shape must not overflow for those who multiply it out.
        let byteCount = try shape.reduce(type.byteCount) { total, extent in
            let (product, overflow) = total.multipliedReportingOverflow(by: max(1, extent))
            guard !overflow else {
                throw ZooError("Damaged HDF5 data: \(path) claims the shape \(shape), more than any file can hold.")
            }
            return product
        }
        return shape.contains(0) ? 0 : byteCount
    }

    private static func checkUnique(_ names: [String], _ what: String, _ path: String) throws {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw ZooError("Damaged HDF5 data: two \(what) of \(path) are called \"\(name)\".")
        }
    }
}

extension HDF5Extent {
    /// The elements as they are stored, unpacked.
    ///
    /// - Throws: `ZooError` when they cannot be read or unpacked.
    package func bytes(from source: some HDF5Source) throws -> ArraySlice<UInt8> {
        guard let chunks else { return try source.slice(range) }
        return try chunks.assembled(from: source)[...]
    }

    /// Loads the elements of a dataset of our profile from `source`.
    ///
    /// - Throws: `ZooError` when they cannot be read, or a text is not valid UTF-8 padded with NUL.
    package func load(from source: some HDF5Source) throws -> HDF5Values {
        switch elementType {
        case .other, .variableString: throw ZooError("Unsupported HDF5 dataset: elements of type \(elementType).")
        case .float32: return .float32(try source.elements(range, as: Float.self))
        case .float64: return .float64(try source.elements(range, as: Double.self))
        case .int64: return .int64(try source.elements(range, as: Int64.self))
        case .uint64: return .uint64(try source.elements(range, as: UInt64.self))
        case .uint8: return .uint8(try source.bytes(range))
        case .string(let byteCount):
            guard range.count == byteCount else {
                throw ZooError("Unsupported HDF5 dataset: an array of texts, where only one text is read.")
            }
            let used = try source.bytes(range).prefix { $0 != 0 }
            guard let text = String(validating: used, as: UTF8.self),
                used.count == byteCount || (used.isEmpty && byteCount == 1)
            else {
                throw ZooError("Damaged HDF5 data: a text of \(byteCount) bytes is not UTF-8, or contains NUL.")
            }
            return .text(text)
        }
    }
}

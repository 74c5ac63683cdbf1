import FileSupport
import TensorCore

/// What the header of one object says. Nothing that lies elsewhere is looked at.
struct HDF5ObjectHeader {
    /// Messages of attributes.
    var attributes: [ByteCursor] = []
    /// Where more attributes are; only in files of other tools.
    var denseAttributes: HDF5DenseStorage?
    var links: [HDF5Message.Link] = []
    /// Where more links are; only in files of other tools.
    var denseLinks: HDF5DenseStorage?
    var isGroup = false
    var space: HDF5Message.Dataspace?
    /// The message of the datatype, or one that says where it is.
    var datatype: (body: ByteCursor, isShared: Bool)?
    var layout: HDF5Message.Layout?
    /// The bytes of an element that was not written; empty for zeros. Only in files of other tools.
    var fillValue: [UInt8] = []
    /// Filters that the chunks went through, first to last; only in files of other tools.
    var filters: [HDF5Filter] = []
    /// Where a group in the format of HDF5 1.6 keeps its members; only in files of other tools.
    var symbolTable: (tree: Int, heap: Int)?
}

/// What all objects of a file share while it is read: claimed bytes and what is left of the limits.
struct HDF5ReadingState {
    let limits: HDF5Limits
    var extents: ExtentMap
    var objectsLeft: Int
    var stringsLeft: Int
    var attributesLeft: Int
    var chunksLeft: Int
    /// What compressed data may unpack to.
    var budget: UnpackingBudget
    /// The heaps of strings that were looked at.
    var heaps = HDF5GlobalHeaps()
    /// The objects that were read, by their address.
    var nodes: [Int: HDF5Node<HDF5Extent>] = [:]
    /// The groups that are being read, one in the other.
    var openGroups: Set<Int> = []
    /// Datatypes that are objects of their own, by their address.
    var datatypes: [Int: ByteCursor] = [:]

    init(limits: HDF5Limits, byteCount: Int) {
        self.limits = limits
        extents = ExtentMap(byteCount: byteCount, format: "HDF5")
        objectsLeft = limits.objectCount
        stringsLeft = limits.stringCount
        attributesLeft = limits.attributeCount
        chunksLeft = limits.chunkCount
        budget =
            limits.unpackedByteCount.map { UnpackingBudget(limit: $0) } ?? UnpackingBudget(fileByteCount: byteCount)
    }

    /// Checks how deep an object lies.
    func checkDepth(_ depth: Int, _ path: String) throws {
        guard depth <= limits.depth else {
            throw ZooError(
                "unsupported HDF5 file: groups are nested more than \(limits.depth) deep at \(path)", code: .unsupported
            )
        }
    }

    /// Counts one object more.
    ///
    /// - Throws: `ZooError` when they are too many.
    mutating func countObject() throws {
        guard objectsLeft > 0 else {
            throw ZooError(
                "unsupported HDF5 file: it holds more than \(limits.objectCount) objects", code: .unsupported)
        }
        objectsLeft -= 1
    }

    /// Counts an object, and all below it, that another link has led to before: what it takes is taken again, so that no
    /// small file stands for a large tree.
    ///
    /// - Throws: `ZooError` when that is more than what is left.
    mutating func share(_ node: HDF5Node<HDF5Extent>, _ path: String, depth: Int) throws {
        guard limits.profile == .foreign else {
            throw ZooError("unsupported HDF5 feature: two links lead to the object \(path)", code: .unsupported)
        }
        try checkDepth(depth, path)
        try countObject()
        switch node {
        case .group(let group):
            for member in group.members { try share(member.node, "\(path)/\(member.name)", depth: depth + 1) }
        case .dataset(let dataset):
            guard let chunks = dataset.payload.chunks else { return }
            try budget.take(HDF5Chunks.product(chunks.shape + [chunks.elementByteCount]) ?? .max, for: path)
        }
    }
}

extension HDF5ObjectHeader {
    /// Reads the object header of version 2 at `address`, with its continuation blocks.
    ///
    /// Source: HDF5 File Format Specification 3.0, section IV.A.1.b.
    init(_ source: some ByteSource, at address: Int, named path: String, _ state: inout HDF5ReadingState) throws {
        let subject = "the object header of \(path)"
        let prefix = try source.bytes(try Self.clamped(address, 34, source.byteCount, subject))
        if state.limits.profile == .foreign, prefix.first == 1 {
            try readVersion1(source, at: address, subject, &state)
            return
        }
        var cursor = ByteCursor(prefix, address: address, format: .hdf5, subject: subject)
        guard prefix.starts(with: Array("OHDR".utf8)) else {
            throw cursor.unsupported("an object header of version 1, or none at all")
        }
        _ = try cursor.bytes(4, "signature")
        try cursor.version("object header version", 2...2)
        let flags = try cursor.byte("object header flags")
        guard flags & 0xC0 == 0 else { throw cursor.unsupported("object header flags \(flags)") }
        if flags & 0x20 != 0 { _ = try cursor.bytes(16, "times") }
        if flags & 0x10 != 0 { _ = try cursor.bytes(4, "attribute storage limits") }
        let chunkSize = try cursor.integer(bytes: 1 << Int(flags & 3), "size of the first chunk")
        let prefixSize = prefix.count - cursor.remaining
        let (size, overflow) = chunkSize.addingReportingOverflow(prefixSize + 4)
        guard !overflow else { throw cursor.damaged("the first chunk has \(chunkSize) bytes") }

        var pending: [(address: Int, count: Int)] = []
        let order = flags & 0x04 != 0
        let continuation = "a continuation of \(subject)"
        try readChunk(
            source, at: address, count: size, skipping: prefixSize, subject, hasOrder: order, &pending, &state)
        while let next = pending.popLast() {
            try readChunk(
                source, at: next.address, count: next.count, skipping: nil, continuation, hasOrder: order, &pending,
                &state)
        }
    }

    /// `count` bytes at `address`, or as many as the file has.
    private static func clamped(_ address: Int, _ count: Int, _ byteCount: Int, _ subject: String) throws -> Range<Int>
    {
        guard address >= 0, address < byteCount else {
            throw ZooError(
                "damaged HDF5 data: \(subject) is said to be at byte \(address) of \(byteCount)", code: .damaged)
        }
        return address..<address + min(count, byteCount - address)
    }

    /// Reads the messages of one chunk; `skipping` is the length of the header's prefix, nil in a continuation block.
    private mutating func readChunk(
        _ source: some ByteSource, at address: Int, count: Int, skipping: Int?, _ subject: String, hasOrder: Bool,
        _ pending: inout [(address: Int, count: Int)], _ state: inout HDF5ReadingState
    ) throws {
        let bytes = try source.bytes(try state.extents.claim(address, count, subject))
        guard bytes.count >= (skipping ?? 4) + 4 else {
            throw ZooError(
                "damaged HDF5 data: \(subject) at byte \(address) has only \(bytes.count) bytes", code: .damaged)
        }
        var whole = ByteCursor(bytes, address: address, format: .hdf5, subject: subject)
        var cursor = try whole.part(bytes.count - 4, subject)
        if let skipping {
            _ = try cursor.bytes(skipping, "prefix")
        } else {
            try cursor.expect("OCHK", "signature")
        }
        let checksum = try whole.unsigned(bytes: 4, "checksum")
        guard checksum == UInt64(HDF5Checksum.lookup3(bytes.dropLast(4))) else {
            throw cursor.damaged("the checksum does not match")
        }
        // What is too short for a message is a gap.
        while cursor.remaining >= (hasOrder ? 6 : 4) {
            let kind = try cursor.byte("message type")
            let length = try cursor.integer(bytes: 2, "message size")
            let flags = try cursor.byte("message flags")
            if hasOrder { _ = try cursor.bytes(2, "message creation order") }
            var body = try cursor.part(length, subject)
            guard kind != 0 else { continue }
            if kind == 0x10 {
                guard let address = try body.address("continuation address") else {
                    throw body.damaged("a continuation that leads nowhere")
                }
                guard flags & 0x02 == 0 else { throw body.unsupported("a shared message of type \(kind)") }
                pending.append((address, try body.integer(bytes: 8, "continuation size")))
                try body.finish()
            } else {
                try read(kind, flags, &body, &state)
            }
        }
    }

    /// Reads one message.
    mutating func read(
        _ kind: UInt8, _ flags: UInt8, _ body: inout ByteCursor, _ state: inout HDF5ReadingState
    ) throws {
        let isForeign = state.limits.profile == .foreign
        let isShared = flags & 0x02 != 0
        guard !isShared || (isForeign && kind == 0x03) else {
            throw body.unsupported("a shared message of type \(kind)")
        }
        switch kind {
        case 0x01:
            guard space == nil else { throw body.damaged("a second dataspace") }
            space = try HDF5Message.dataspace(&body, state.limits)
        case 0x02:
            guard denseLinks == nil else { throw body.damaged("a second link info") }
            isGroup = true
            denseLinks = try HDF5Message.linkInfo(&body, state.limits)
        case 0x03:
            guard datatype == nil else { throw body.damaged("a second datatype") }
            // It may be of a kind that is not read, and of no use.
            datatype = (body, isShared)
            return
        case 0x04 where isForeign && fillValue.isEmpty: fillValue = try HDF5Message.fillValue(&body, isOld: true)
        case 0x05 where isForeign:
            fillValue = try HDF5Message.fillValue(&body, isOld: false)
            return
        case 0x05, 0x0A:
            // Of our profile all elements are stored, so that fill values are not used; group info only guides a writer.
            if kind == 0x0A { isGroup = true }
            return
        case 0x04 where isForeign, 0x0D where isForeign, 0x0E where isForeign, 0x12 where isForeign,
            0x16 where isForeign:
            // A comment, times, how many links lead here.
            return
        case 0x06:
            guard state.objectsLeft > links.count else {
                throw body.unsupported("more than \(state.limits.objectCount) objects")
            }
            links.append(try HDF5Message.link(&body, state.limits))
        case 0x07: throw body.unsupported("data in external files")
        case 0x08:
            guard layout == nil else { throw body.damaged("a second data layout") }
            layout = try HDF5Message.layout(&body, state.limits)
        case 0x0B where isForeign:
            guard filters.isEmpty else { throw body.damaged("a second list of filters") }
            filters = try HDF5Filter.list(&body)
        case 0x0B: throw body.unsupported("filtered (compressed) data")
        case 0x0C:
            guard state.attributesLeft > 0 else {
                throw body.unsupported("more than \(state.limits.attributeCount) attributes")
            }
            state.attributesLeft -= 1
            attributes.append(body)
            return
        case 0x11 where isForeign:
            guard symbolTable == nil, let tree = try body.address("tree"), let heap = try body.address("heap") else {
                throw body.damaged("a symbol table that leads nowhere, or a second one")
            }
            isGroup = true
            symbolTable = (tree, heap)
        case 0x11: throw body.unsupported("a group in the format of HDF5 1.6 (symbol table)")
        case 0x15:
            guard denseAttributes == nil else { throw body.damaged("a second attribute info") }
            denseAttributes = try HDF5Message.attributeInfo(&body, state.limits)
        default: throw body.unsupported("a header message of type \(kind)")
        }
        // Messages of version 1 are filled up to a multiple of 8 bytes.
        guard isForeign, body.remaining < 8 else { return try body.finish() }
    }
}

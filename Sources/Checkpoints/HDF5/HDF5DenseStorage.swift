import FileSupport
import TensorCore

/// Links or attributes of an object that are too many for its header: messages in a fractal heap, and a tree of where they
/// are. Only in files of other tools.
struct HDF5DenseStorage {
    /// Address of the heap.
    let heap: Int
    /// Address of the tree, ordered by hashes of names.
    let index: Int

    /// The messages of links, in the order in which the links were made where the group knows it, otherwise by name.
    func links(
        _ source: some ByteSource, _ path: String, _ state: inout HDF5ReadingState
    ) throws -> [HDF5Message.Link] {
        var links: [HDF5Message.Link] = []
        // A hash of the name, then the message's place.
        try forEachMessage(source, kind: 5, skipping: 4, "the links of \(path)", &state) { body, state in
            guard state.objectsLeft > links.count else {
                throw body.unsupported("more than \(state.limits.objectCount) objects")
            }
            links.append(try HDF5Message.link(&body, state.limits))
            try body.finish()
        }
        return links.sorted { ($0.order ?? 0, $0.name) < ($1.order ?? 0, $1.name) }
    }

    /// The messages of attributes.
    func attributes(
        _ source: some ByteSource, _ path: String, _ state: inout HDF5ReadingState
    ) throws -> [ByteCursor] {
        var attributes: [ByteCursor] = []
        // The message's place, then flags, order and a hash of the name.
        try forEachMessage(source, kind: 8, skipping: 0, "the attributes of \(path)", &state) { body, state in
            guard state.attributesLeft > 0 else {
                throw body.unsupported("more than \(state.limits.attributeCount) attributes")
            }
            state.attributesLeft -= 1
            attributes.append(body)
        }
        return attributes
    }

    /// Calls `body` for each message; a record of the tree has the message's place behind `skipping` bytes.
    private func forEachMessage(
        _ source: some ByteSource, kind: UInt8, skipping: Int, _ subject: String, _ state: inout HDF5ReadingState,
        _ body: (inout ByteCursor, inout HDF5ReadingState) throws -> Void
    ) throws {
        var heap = try HDF5FractalHeap(source, at: heap, subject, &state)
        let tree = try HDF5TreeVersion2(source, at: index, kind: kind, subject, &state)
        try tree.forEachRecord(source, &state) { record, state in
            _ = try record.bytes(skipping, "hash")
            var message = try heap.object(source, &record)
            try body(&message, &state)
        }
    }
}

/// A heap of objects of any length, of version 0.
///
/// Source: HDF5 File Format Specification 3.0, section III.G.
struct HDF5FractalHeap {
    private let subject: String
    private let idByteCount: Int
    /// Bytes of an object's place and length in its ID.
    private let offsetByteCount: Int
    private let lengthByteCount: Int
    private let hasChecksums: Bool
    /// Blocks in a row, and the length of the blocks in the first two rows.
    private let width: Int
    private let startByteCount: Int
    /// Rows of blocks that hold objects; those after them hold blocks.
    private let directRowCount: Int
    private let address: Int
    /// Where objects are: a block's place in the heap and in the file, in the heap's order.
    private var blocks: [(offset: Int, range: Range<Int>)] = []
    /// Bytes that objects may take together: no more than the blocks have, so that no object is read again and again.
    private var bytesLeft = 0

    /// Reads the heap at `address` but for its objects.
    init(_ source: some ByteSource, at address: Int, _ subject: String, _ state: inout HDF5ReadingState) throws {
        (self.subject, self.address) = ("the heap of \(subject)", address)
        var cursor = try state.extents.verifiedCursor(
            source, at: address, count: 146, signature: "FRHP", self.subject)
        try cursor.version("heap version", 0...0)
        idByteCount = try cursor.integer(bytes: 2, "length of IDs")
        guard try cursor.unsigned(bytes: 2, "length of filters") == 0 else {
            throw cursor.unsupported("a filtered heap")
        }
        hasChecksums = try cursor.byte("heap flags") & 2 != 0
        let largestObject = try cursor.integer(bytes: 4, "largest object")
        _ = try cursor.bytes(96, "statistics")
        width = try cursor.integer(bytes: 2, "width")
        startByteCount = try cursor.integer(bytes: 8, "length of the first block")
        let largestBlock = try cursor.integer(bytes: 8, "length of the largest block")
        let bits = try cursor.integer(bytes: 2, "bits of an offset")
        _ = try cursor.bytes(2, "rows at the start")
        let root = try cursor.address("root block")
        let rowCount = try cursor.integer(bytes: 2, "rows")
        guard width.isPowerOfTwo, startByteCount.isPowerOfTwo, largestBlock.isPowerOfTwo, largestObject > 0,
            startByteCount <= largestBlock, largestBlock <= 1 << 32, (1...62).contains(bits), width <= 1 << 12
        else { throw cursor.damaged("a heap of \(width) blocks of \(startByteCount) to \(largestBlock) bytes") }
        directRowCount = largestBlock.trailingZeroBitCount - startByteCount.trailingZeroBitCount + 2
        offsetByteCount = (bits + 7) / 8
        lengthByteCount = min(
            (largestBlock.trailingZeroBitCount + 7) / 8, (Int.bitWidth - 1 - largestObject.leadingZeroBitCount) / 8 + 1)
        guard let root else { return }
        if rowCount == 0 {
            try readDirectBlock(source, at: root, count: startByteCount, offset: 0, &state)
        } else {
            var offset = 0
            try readIndirectBlock(source, at: root, rowCount: rowCount, offset: &offset, &state)
        }
        bytesLeft = blocks.reduce(0) { $0 + $1.range.count }
    }

    /// Bytes before the objects of a block.
    private var prefixByteCount: Int { 13 + offsetByteCount + (hasChecksums ? 4 : 0) }

    private mutating func readDirectBlock(
        _ source: some ByteSource, at address: Int, count: Int, offset: Int, _ state: inout HDF5ReadingState
    ) throws {
        let range = try state.extents.claim(address, count, subject)
        guard count >= prefixByteCount else {
            throw ZooError("damaged HDF5 data: a block of \(subject) has only \(count) bytes", code: .damaged)
        }
        var bytes = try source.bytes(range)
        var cursor = ByteCursor(bytes, address: address, format: .hdf5, subject: subject)
        try cursor.expect("FHDB", "signature")
        try checkOrigin(&cursor, offset)
        if hasChecksums {
            let place = count - cursor.remaining
            let checksum = try cursor.unsigned(bytes: 4, "checksum")
            bytes.replaceSubrange(place..<place + 4, with: [0, 0, 0, 0])
            guard checksum == UInt64(HDF5Checksum.lookup3(bytes[...])) else {
                throw cursor.damaged("the checksum does not match")
            }
        }
        blocks.append((offset, range))
    }

    /// Reads a block of blocks and all below it; `offset` is where it begins in the heap, afterwards where it ends.
    private mutating func readIndirectBlock(
        _ source: some ByteSource, at address: Int, rowCount: Int, offset: inout Int,
        _ state: inout HDF5ReadingState
    ) throws {
        guard (1...64).contains(rowCount) else {
            throw ZooError("damaged HDF5 data: a block of \(subject) has \(rowCount) rows", code: .damaged)
        }
        var cursor = try state.extents.verifiedCursor(
            source, at: address, count: 17 + offsetByteCount + 8 * width * rowCount, signature: "FHIB", subject)
        try checkOrigin(&cursor, offset)
        for row in 0..<rowCount {
            let (count, overflow) = startByteCount.multipliedReportingOverflow(by: 1 << min(max(0, row - 1), 62))
            guard !overflow, count <= 1 << 40 else { throw cursor.damaged("blocks of row \(row) are too large") }
            for _ in 0..<width {
                // At most 2^12 times 64 times 2^40: no overflow.
                defer { offset += count }
                guard let child = try cursor.address("block") else { continue }
                guard row >= directRowCount else {
                    try readDirectBlock(source, at: child, count: count, offset: offset, &state)
                    continue
                }
                // As many rows as make up the length; fewer than this block has, so that there is an end.
                var start = offset
                let rows = row - width.trailingZeroBitCount
                guard rows < rowCount else { throw cursor.damaged("a block of \(rows) rows in one of \(rowCount)") }
                try readIndirectBlock(source, at: child, rowCount: rows, offset: &start, &state)
            }
        }
    }

    /// Checks what a block says of itself: its version, heap and place.
    private func checkOrigin(_ cursor: inout ByteCursor, _ offset: Int) throws {
        try cursor.version("block version", 0...0)
        guard try cursor.address("heap") == address, try cursor.integer(bytes: offsetByteCount, "offset") == offset
        else { throw cursor.damaged("a block of another heap, or of another place") }
    }

    /// The object whose ID is next in `record`.
    ///
    /// - Throws: `ZooError` when it is not in the heap.
    mutating func object(_ source: some ByteSource, _ record: inout ByteCursor) throws -> ByteCursor {
        var id = try record.part(idByteCount, subject)
        let kind = try id.byte("kind of an object")
        guard kind & 0xC0 == 0, kind >> 4 == 0 else {
            throw id.unsupported(kind >> 4 == 1 ? "an object too large for its heap" : "an object in its ID")
        }
        let offset = try id.integer(bytes: offsetByteCount, "offset")
        let count = try id.integer(bytes: lengthByteCount, "length")
        var (low, high) = (0, blocks.count)
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].offset <= offset { low = middle + 1 } else { high = middle }
        }
        guard low > 0, count <= bytesLeft else { throw id.damaged("an object that is not in the heap") }
        let block = blocks[low - 1]
        let start = offset - block.offset
        guard start >= prefixByteCount, start <= block.range.count, count <= block.range.count - start else {
            throw id.damaged("an object that is not in the heap")
        }
        bytesLeft -= count
        let address = block.range.lowerBound + start
        return ByteCursor(
            try source.bytes(address..<address + count), address: address, format: .hdf5, subject: subject)
    }
}

extension Int {
    fileprivate var isPowerOfTwo: Bool { self > 0 && self & (self - 1) == 0 }
}

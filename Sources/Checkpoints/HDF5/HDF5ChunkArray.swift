import FileSupport
import TensorCore

/// An index of chunks by their number, of fixed length or extensible; only in files of other tools.
///
/// Source: HDF5 File Format Specification 3.0, sections VII.C and VII.D.
struct HDF5ChunkArray<Source: ByteSource> {
    private let source: Source
    /// Where its header begins.
    private let address: Int
    /// 0 for chunks of one length, 1 for filtered ones.
    private let kind: UInt8
    private let chunkByteCount: Int
    private let largest: [Int]
    private let subject: String
    private var entryByteCount = 0
    private var pageCapacity = 0
    /// The number of the next entry.
    private var number = 0

    init(
        _ source: Source, at address: Int, isFiltered: Bool, _ chunkByteCount: Int, _ largest: [Int], _ subject: String
    ) throws {
        (self.source, self.address, kind) = (source, address, isFiltered ? 1 : 0)
        (self.chunkByteCount, self.largest, self.subject) = (chunkByteCount, largest, subject)
    }

    /// Reads a header up to the length of its entries.
    private mutating func header(
        _ signature: String, count: Int, _ state: inout HDF5ReadingState
    ) throws -> ByteCursor {
        var header = try state.extents.verifiedCursor(
            source, at: address, count: count, signature: signature, subject)
        try header.version("array version", 0...0)
        try header.version("type of entries", kind...kind)
        entryByteCount = try header.integer(bytes: 1, "length of an entry")
        guard kind == 0 ? entryByteCount == 8 : (13...20).contains(entryByteCount) else {
            throw header.damaged("entries of \(entryByteCount) bytes")
        }
        return header
    }

    /// Reads the number of entries of a page.
    private mutating func readPageCapacity(_ header: inout ByteCursor) throws {
        let bits = try header.integer(bytes: 1, "entries of a page")
        guard bits <= 32 else { throw header.damaged("pages of 2^\(bits) entries") }
        pageCapacity = 1 << bits
    }

    /// A cursor over a block behind what it says of itself; `count` bytes follow that, and a checksum.
    private func block(
        at address: Int, _ signature: String, count: Int, _ state: inout HDF5ReadingState
    ) throws -> ByteCursor {
        var cursor = try state.extents.verifiedCursor(
            source, at: address, count: 18 + count, signature: signature, subject)
        try cursor.version("block version", 0...0)
        try cursor.version("type of entries", kind...kind)
        guard try cursor.address("header") == self.address else { throw cursor.damaged("entries of another array") }
        return cursor
    }

    /// Reads the next `count` entries.
    private mutating func read(
        _ entries: inout ByteCursor, _ count: Int, into chunks: inout HDF5Chunks, _ state: inout HDF5ReadingState
    ) throws {
        for _ in 0..<count {
            let entry = try chunks.entry(&entries, byteCount: entryByteCount, chunkByteCount)
            if let (start, byteCount) = entry, let offset = try chunks.offset(number, largest, subject) {
                try chunks.add(start, byteCount, at: offset, subject, &state)
            }
            number += 1
        }
    }

    /// Reads `count` entries in pages from `start` on; `written` has a bit for each page, the first the highest.
    private mutating func readPages(
        at start: Int, _ count: Int, _ written: ArraySlice<UInt8>, into chunks: inout HDF5Chunks,
        _ state: inout HDF5ReadingState
    ) throws {
        var next = start
        for page in 0..<pageCount(count) {
            let inPage = min(pageCapacity, count - page * pageCapacity)
            let byteCount = inPage * entryByteCount + 4
            if written[written.startIndex + page / 8] & 0x80 >> UInt8(page % 8) != 0 {
                var entries = try state.extents.verifiedCursor(
                    source, at: next, count: byteCount, signature: "", subject)
                try read(&entries, inPage, into: &chunks, &state)
            } else {
                number += inPage
            }
            // All pages together take no more than some times the length of the file, which was checked.
            next += byteCount
        }
    }

    private func pageCount(_ count: Int) -> Int { (count - 1) / pageCapacity + 1 }

    /// Checks that `count` entries can be in the file.
    private func check(_ count: Int, _ state: HDF5ReadingState) throws {
        guard count <= state.extents.byteCount / entryByteCount else {
            throw ZooError(
                "damaged HDF5 data: \(subject) have \(count) entries, more than the file has room for", code: .damaged)
        }
    }

    mutating func readFixed(into chunks: inout HDF5Chunks, _ state: inout HDF5ReadingState) throws {
        var header = try header("FAHD", count: 28, &state)
        try readPageCapacity(&header)
        let count = try header.integer(bytes: 8, "number of entries")
        guard let start = try header.address("entries"), count > 0 else { return }
        try check(count, state)
        guard count > pageCapacity else {
            var entries = try block(at: start, "FADB", count: count * entryByteCount, &state)
            return try read(&entries, count, into: &chunks, &state)
        }
        let maskByteCount = (pageCount(count) + 7) / 8
        var pages = try block(at: start, "FADB", count: maskByteCount, &state)
        try readPages(
            at: start + 18 + maskByteCount, count, try pages.bytes(maskByteCount, "pages"), into: &chunks, &state)
    }

    mutating func readExtensible(into chunks: inout HDF5Chunks, _ state: inout HDF5ReadingState) throws {
        var header = try header("EAHD", count: 72, &state)
        let bits = try header.integer(bytes: 1, "bits of a number")
        let firstCount = try header.integer(bytes: 1, "entries of the index block")
        let blockCapacity = try header.integer(bytes: 1, "entries of the smallest block")
        let tableCapacity = try header.integer(bytes: 1, "addresses of the smallest table")
        try readPageCapacity(&header)
        _ = try header.bytes(48, "statistics")
        guard let start = try header.address("index block") else { return }
        let direct = 2 * tableCapacity.trailingZeroBitCount
        let levels = bits - blockCapacity.trailingZeroBitCount + 1
        guard bits <= 62, blockCapacity.nonzeroBitCount == 1, tableCapacity.nonzeroBitCount == 1, direct <= levels
        else {
            throw header.damaged("blocks of \(blockCapacity) entries, tables of \(tableCapacity), \(bits) bits")
        }
        let offsetByteCount = (bits + 7) / 8
        var index = try block(
            at: start, "EAIB", count: firstCount * entryByteCount + 8 * (2 * (tableCapacity - 1) + levels - direct),
            &state)
        try read(&index, firstCount, into: &chunks, &state)
        // Each second level has twice as many blocks, each other one blocks twice as long. Those of the first levels stand in
        // the index block, those of others in a table each.
        for level in 0..<levels {
            let (count, capacity) = (1 << (level / 2), blockCapacity << ((level + 1) / 2))
            var table: ByteCursor? = nil
            var masks: ArraySlice<UInt8> = []
            let maskByteCount = capacity > pageCapacity ? (pageCount(capacity) + 7) / 8 : 0
            if level >= direct {
                guard let address = try index.address("table") else {
                    // Levels without a table are the last in practice; no number is beyond 2^62.
                    let (skipped, overflow) = count.multipliedReportingOverflow(by: capacity)
                    guard !overflow, skipped <= Int.max - number else { return }
                    number += skipped
                    continue
                }
                let room = state.extents.byteCount / count
                guard room >= 8, maskByteCount <= room else {
                    throw header.damaged("a table of \(count) blocks")
                }
                var cursor = try block(
                    at: address, "EASB", count: offsetByteCount + count * (maskByteCount + 8), &state)
                _ = try cursor.bytes(offsetByteCount, "offset")
                masks = try cursor.bytes(count * maskByteCount, "pages")
                table = cursor
            }
            for place in 0..<count {
                let found = table == nil ? try index.address("block") : try table?.address("block")
                guard let found else {
                    guard capacity <= Int.max - number else { return }
                    number += capacity
                    continue
                }
                try check(capacity, state)
                let isPaged = capacity > pageCapacity
                var entries = try block(
                    at: found, "EADB", count: offsetByteCount + (isPaged ? 0 : capacity * entryByteCount), &state)
                _ = try entries.bytes(offsetByteCount, "offset")
                guard isPaged else {
                    try read(&entries, capacity, into: &chunks, &state)
                    continue
                }
                let mask = masks.dropFirst(place * maskByteCount).prefix(maskByteCount)
                guard mask.count == maskByteCount else { throw entries.damaged("pages of a block without a table") }
                try readPages(at: found + 18 + offsetByteCount, capacity, mask, into: &chunks, &state)
            }
        }
    }
}

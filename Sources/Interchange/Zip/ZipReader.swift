import Checkpoints
import FileSupport
import TensorCore

/// An entry of a zip archive, checked: central directory and local header agree.
struct ZipEntry {
    let name: String
    let isDeflated: Bool
    let checksum: UInt32
    let unpackedByteCount: Int
    /// Where the packed bytes lie.
    let range: Range<Int>
}

/// Reads zip archives from strangers: stored or deflated entries of one file, zip64 included.
///
/// Source: PKWARE APPNOTE 6.3.10. libarchive, which reads data sets, does not tell whether the two descriptions of an
/// entry agree or share bytes with another, hence this reader.
struct ZipReader {
    /// Entries of an archive.
    static let entryLimit = 4_096
    private static let endByteCount = 22

    let entries: [ZipEntry]
    /// The archive's comment.
    let comment: ArraySlice<UInt8>
    private let source: any ByteSource
    /// What unpacked entries, and values made of them, may take.
    var budget: UnpackingBudget

    /// Reads the directory of an archive, and of each entry what stands before it.
    ///
    /// - Throws: `ZooError` naming what is damaged or not supported.
    init(_ source: any ByteSource) throws {
        self.source = source
        budget = UnpackingBudget(fileByteCount: source.byteCount)
        let end = try Self.end(of: source)
        comment = try source.slice(end.position + Self.endByteCount..<source.byteCount)
        guard end.count <= Self.entryLimit else {
            throw ZooError(
                "the zip archive has \(end.count) entries; at most \(Self.entryLimit) are read", code: .limit)
        }
        var extents = ExtentMap(byteCount: source.byteCount, format: "zip")
        _ = try extents.claim(end.directory.lowerBound, source.byteCount - end.directory.lowerBound, "the directory")
        var cursor = ByteCursor(
            try source.bytes(end.directory), address: end.directory.lowerBound, format: .zip, subject: "the directory")
        var entries: [ZipEntry] = []
        for _ in 0..<end.count { entries.append(try Self.entry(&cursor, source, &extents)) }
        try cursor.finish()
        try extents.checkDisjoint()
        var names: Set<String> = []
        for entry in entries where !names.insert(entry.name).inserted {
            throw ZooError("damaged zip data: two entries are called \"\(entry.name)\"", code: .damaged)
        }
        self.entries = entries
    }

    /// Where the unpacked bytes of `entry` are, which were checked against its checksum: in the file where it is stored
    /// as it is.
    mutating func contents(of entry: ZipEntry) throws -> (source: any ByteSource, range: Range<Int>) {
        let checksum: UInt32
        var contents = (source: source, range: entry.range)
        if entry.isDeflated {
            try budget.take(entry.unpackedByteCount, for: entry.name)
            let unpacked = try Inflater.inflate(
                try source.slice(entry.range), to: entry.unpackedByteCount, wrapper: .none, of: entry.name)
            checksum = Inflater.crc32(unpacked[...])
            contents = (MemorySource(unpacked), unpacked.indices)
        } else {
            checksum = try storedChecksum(entry.range)
        }
        guard checksum == entry.checksum else {
            throw ZooError("damaged zip data: \(entry.name) does not match its CRC-32", code: .damaged)
        }
        return contents
    }

    /// The checksum of stored bytes, piece by piece.
    private func storedChecksum(_ range: Range<Int>) throws -> UInt32 {
        let step = 1 << 20
        var checksum: UInt32 = 0
        for start in stride(from: range.lowerBound, to: range.upperBound, by: step) {
            let piece = try source.slice(start..<min(start + step, range.upperBound))
            checksum = Inflater.crc32(piece, after: checksum)
        }
        return checksum
    }

    /// The end record: where it is, where the directory lies and how many entries it has.
    private static func end(of source: any ByteSource) throws -> (position: Int, directory: Range<Int>, count: Int) {
        let earliest = max(0, source.byteCount - endByteCount - 0xFFFF)
        let bytes = try source.bytes(earliest..<source.byteCount)
        let positions = stride(from: bytes.count - endByteCount, through: 0, by: -1)
        let signature: [UInt8] = [0x50, 0x4B, 5, 6]
        guard bytes.count >= endByteCount,
            let place = positions.first(where: { position in
                bytes[position...].starts(with: signature)
                    && Int(bytes[position + 20]) | Int(bytes[position + 21]) << 8 == bytes.count - position
                        - endByteCount
            })
        else { throw ZooError("damaged zip data: the archive has no end record; it may be cut short", code: .damaged) }
        let position = earliest + place
        var cursor = ByteCursor(
            Array(bytes[place..<place + endByteCount]), address: position, format: .zip, subject: "the end record")
        _ = try cursor.bytes(4, "signature")
        let disks = try cursor.unsigned(bytes: 4, "disk numbers")
        let here = try cursor.integer(bytes: 2, "entries on this disk")
        var count = try cursor.integer(bytes: 2, "entries")
        var size = try cursor.integer(bytes: 4, "size of the directory")
        var start = try cursor.integer(bytes: 4, "start of the directory")
        var directoryEnd = position
        guard disks == 0, here == count else { throw cursor.unsupported("an archive of several disks") }
        let locator = position - 20
        if locator >= 0, try source.bytes(locator..<locator + 4) == [0x50, 0x4B, 6, 7] {
            let large = try end64(source, locator: locator)
            guard count == 0xFFFF || count == large.count, size == 0xFFFF_FFFF || size == large.size,
                start == 0xFFFF_FFFF || start == large.start
            else { throw cursor.damaged("the two end records differ") }
            (count, size, start, directoryEnd) = (large.count, large.size, large.start, large.position)
        }
        guard start >= 0, size >= 0, start <= directoryEnd, size == directoryEnd - start else {
            throw cursor.damaged("the directory of \(size) bytes at \(start) does not end at \(directoryEnd)")
        }
        return (position, start..<directoryEnd, count)
    }

    /// The end record of zip64, whose locator stands at `locator`.
    private static func end64(
        _ source: any ByteSource, locator: Int
    ) throws -> (position: Int, count: Int, size: Int, start: Int) {
        var cursor = ByteCursor(
            try source.bytes(locator..<locator + 20), address: locator, format: .zip, subject: "the zip64 locator")
        _ = try cursor.bytes(8, "signature")
        let position = try cursor.integer(bytes: 8, "position")
        // The record has 56 bytes, and nothing stands between it and its locator.
        guard position >= 0, locator >= 56, position == locator - 56,
            try source.bytes(position..<position + 4) == [0x50, 0x4B, 6, 6]
        else { throw cursor.damaged("no zip64 end record of 56 bytes stands before it") }
        var record = ByteCursor(
            try source.bytes(position..<locator), address: position, format: .zip, subject: "the zip64 end record")
        _ = try record.bytes(24, "signature and versions")
        let here = try record.integer(bytes: 8, "entries on this disk")
        let count = try record.integer(bytes: 8, "entries")
        guard here == count else { throw record.unsupported("an archive of several disks") }
        return (
            position, count, try record.integer(bytes: 8, "size of the directory"),
            try record.integer(bytes: 8, "start of the directory")
        )
    }
}

extension ByteCursor.Format {
    /// Structures of zip.
    static let zip = ByteCursor.Format(
        name: "zip", advice: "Stored and deflated entries of one archive are read: save the file with numpy.savez.")
}

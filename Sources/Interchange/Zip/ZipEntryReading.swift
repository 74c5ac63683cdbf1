import Checkpoints
import FileSupport
import TensorCore

// How one entry of a zip archive is read.

extension ZipReader {
    /// What both the directory and the local header say of an entry.
    private struct Description: Equatable {
        var flags: UInt64
        var method: UInt64
        var checksum: UInt64
        var packedByteCount: Int
        var unpackedByteCount: Int
        var name: [UInt8]
    }

    /// Reads the next entry of the directory, and compares it with its local header.
    static func entry(
        _ cursor: inout ByteCursor, _ source: any ByteSource, _ extents: inout ExtentMap
    ) throws -> ZipEntry {
        try cursor.expect("PK\u{1}\u{2}", "signature of an entry")
        _ = try cursor.bytes(2, "version made by")
        var entry = try description(&cursor)
        let (nameLength, extraLength) = (entry.nameLength, entry.extraLength)
        let commentLength = try cursor.integer(bytes: 2, "comment length")
        let disk = try cursor.unsigned(bytes: 2, "disk")
        _ = try cursor.bytes(6, "attributes")
        var start = try cursor.integer(bytes: 4, "local header")
        entry.description.name = Array(try cursor.bytes(nameLength, "name"))
        var extra = try cursor.part(extraLength, "the extra fields of an entry")
        try widen(&entry.description, &extra, start: &start)
        _ = try cursor.bytes(commentLength, "comment")
        let found = entry.description
        guard let name = String(validating: found.name, as: UTF8.self) else {
            throw cursor.damaged("the name of an entry is not valid UTF-8")
        }
        try check(name, cursor)
        guard found.flags & 0x41 == 0 else { throw cursor.unsupported("\(name) is encrypted") }
        guard found.flags & ~0x080E == 0 else { throw cursor.unsupported("\(name) has flags \(found.flags)") }
        guard [0, 8].contains(found.method) else {
            throw cursor.unsupported("\(name) is packed with method \(found.method)")
        }
        guard disk == 0 else { throw cursor.unsupported("\(name) is on another disk") }
        guard found.method != 0 || found.packedByteCount == found.unpackedByteCount else {
            throw cursor.damaged("\(name) is stored, but its two sizes differ")
        }
        let headerEnd = try checkLocal(found, name, at: start, in: source)
        let (end, overflow) = headerEnd.addingReportingOverflow(found.packedByteCount)
        guard !overflow, end <= source.byteCount else {
            throw cursor.damaged("\(name) claims \(found.packedByteCount) bytes at \(headerEnd), outside the file")
        }
        _ = try extents.claim(start, end - start, name)
        return ZipEntry(
            name: name, isDeflated: found.method == 8, checksum: UInt32(truncatingIfNeeded: found.checksum),
            unpackedByteCount: found.unpackedByteCount, range: headerEnd..<end)
    }

    /// The part that both kinds of header have in common, up to the lengths.
    private static func description(
        _ cursor: inout ByteCursor
    ) throws -> (description: Description, nameLength: Int, extraLength: Int) {
        _ = try cursor.bytes(2, "version needed")
        let flags = try cursor.unsigned(bytes: 2, "flags")
        let method = try cursor.unsigned(bytes: 2, "method")
        _ = try cursor.bytes(4, "time")
        let description = Description(
            flags: flags, method: method, checksum: try cursor.unsigned(bytes: 4, "CRC-32"),
            packedByteCount: try cursor.integer(bytes: 4, "packed size"),
            unpackedByteCount: try cursor.integer(bytes: 4, "unpacked size"), name: [])
        return (
            description, try cursor.integer(bytes: 2, "name length"), try cursor.integer(bytes: 2, "extra length")
        )
    }

    /// Takes sizes of 8 bytes from the extra field of zip64 where the header has no room for them.
    private static func widen(
        _ description: inout Description, _ extra: inout ByteCursor, start: inout Int
    ) throws {
        while extra.remaining >= 4 {
            let kind = try extra.unsigned(bytes: 2, "kind")
            var field = try extra.part(try extra.integer(bytes: 2, "length"), "an extra field")
            guard kind == 1 else { continue }
            let full = 0xFFFF_FFFF
            if description.unpackedByteCount == full {
                description.unpackedByteCount = try field.integer(bytes: 8, "unpacked size")
            }
            if description.packedByteCount == full {
                description.packedByteCount = try field.integer(bytes: 8, "packed size")
            }
            if start == full { start = try field.integer(bytes: 8, "local header") }
        }
    }

    /// Compares the local header at `start` with the directory; returns where it ends.
    private static func checkLocal(
        _ expected: Description, _ name: String, at start: Int, in source: any ByteSource
    ) throws -> Int {
        guard start >= 0, start < source.byteCount, source.byteCount - start >= 30 else {
            throw ZooError(
                "damaged zip data: the local header of \(name) is said to be at byte \(start)", code: .damaged)
        }
        let most = min(source.byteCount, start + 30 + 2 * 0xFFFF)
        var cursor = ByteCursor(
            try source.bytes(start..<most), address: start, format: .zip, subject: "the local header of \(name)")
        try cursor.expect("PK\u{3}\u{4}", "signature")
        var local = try description(&cursor)
        local.description.name = Array(try cursor.bytes(local.nameLength, "name"))
        var extra = try cursor.part(local.extraLength, "extra fields")
        var none = 0
        try widen(&local.description, &extra, start: &none)
        if expected.flags & 8 != 0 {
            // A stream that was not known beforehand: size and checksum stand behind it.
            local.description.checksum = expected.checksum
            local.description.packedByteCount = expected.packedByteCount
            local.description.unpackedByteCount = expected.unpackedByteCount
        }
        guard local.description == expected else {
            throw cursor.damaged("it does not agree with the directory of the archive")
        }
        return cursor.offset
    }

    /// Refuses names that could lead out of a folder, wherever the entry would be unpacked.
    private static func check(_ name: String, _ cursor: ByteCursor) throws {
        let components = name.split(separator: "/", omittingEmptySubsequences: false)
        let isControl = name.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F || $0 == "\\" }
        guard !isControl, name.utf8.count <= 255, !components.contains(where: { ["", ".", ".."].contains($0) }) else {
            throw cursor.damaged("\(name.debugDescription) is no usable name of an entry")
        }
    }
}

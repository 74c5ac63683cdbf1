import FileSupport
import TensorCore

/// Writes zip archives of stored entries. The same entries give the same bytes: times are those of 1 January 1980.
enum ZipWriter {
    /// The bytes of an archive.
    ///
    /// - Throws: `ZooError` when there is more than 4 GiB, or the comment is longer than 65,535 bytes.
    static func encode(_ entries: [(name: String, contents: [UInt8])], comment: [UInt8]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.reduce(4_096) { $0 + $1.contents.count + 2 * $1.name.utf8.count + 128 })
        var directory: [UInt8] = []
        for entry in entries {
            let start = bytes.count
            var description: [UInt8] = []
            description.append(little: UInt16(20))  // version needed
            description.append(little: UInt16(0x0800))  // names are UTF-8
            description.append(little: UInt16(0))  // stored
            description.append(little: UInt32(0x0021_0000))  // 1 January 1980
            description.append(little: Inflater.crc32(entry.contents[...]))
            description.append(little: UInt32(truncatingIfNeeded: entry.contents.count))
            description.append(little: UInt32(truncatingIfNeeded: entry.contents.count))
            description.append(little: UInt16(truncatingIfNeeded: entry.name.utf8.count))
            description.append(little: UInt16(0))  // extra fields
            bytes += Array("PK\u{3}\u{4}".utf8) + description + entry.name.utf8
            bytes += entry.contents
            directory += Array("PK\u{1}\u{2}".utf8)
            directory.append(little: UInt16(20))  // made by
            directory += description
            directory += [UInt8](repeating: 0, count: 10)  // comment, disk, attributes
            directory.append(little: UInt32(truncatingIfNeeded: start))
            directory += entry.name.utf8
        }
        guard bytes.count + directory.count < 0xFFFF_FFFF, entries.count < 0xFFFF, comment.count <= 0xFFFF else {
            throw ZooError(
                "the archive would have \(entries.count) entries, \(bytes.count) bytes and a comment of "
                    + "\(comment.count); zip holds 65,534, 4 GiB and 65,535", code: .limit)
        }
        let start = bytes.count
        bytes += directory
        bytes += Array("PK\u{5}\u{6}".utf8) + [0, 0, 0, 0]
        bytes.append(little: UInt16(truncatingIfNeeded: entries.count))
        bytes.append(little: UInt16(truncatingIfNeeded: entries.count))
        bytes.append(little: UInt32(truncatingIfNeeded: directory.count))
        bytes.append(little: UInt32(truncatingIfNeeded: start))
        bytes.append(little: UInt16(truncatingIfNeeded: comment.count))
        return bytes + comment
    }
}

extension [UInt8] {
    /// Appends an integer in little-endian order.
    /// Seven bits a byte, the lowest first; the upper bit says that more follow.
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}

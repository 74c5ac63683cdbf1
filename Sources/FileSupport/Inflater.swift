import CZlib
import TensorCore

/// Unpacks deflated data whose length is known, with zlib, never more than that.
package enum Inflater {
    /// What surrounds the deflated data.
    package enum Wrapper: Int32 {
        /// Nothing (RFC 1951), as in zip.
        case none = -15
        /// zlib's header and checksum (RFC 1950), as in HDF5.
        case zlib = 15
    }

    /// Unpacks `packed` to exactly `byteCount` bytes.
    ///
    /// - Throws: `ZooError` naming `subject` when the data is damaged, or holds more or fewer bytes.
    package static func inflate(
        _ packed: ArraySlice<UInt8>, to byteCount: Int, wrapper: Wrapper, of subject: String
    ) throws -> [UInt8] {
        // Deflate cannot pack tighter than 1032 to 1, so a larger claim is a lie that need not be given memory.
        guard byteCount >= 0, packed.count <= Int32.max, byteCount <= Int32.max, byteCount / 1032 <= packed.count else {
            throw ZooError(
                "\(subject) claims to unpack from \(packed.count) bytes to \(byteCount), which cannot be",
                code: .damaged)
        }
        var stream = z_stream()
        guard inflateInit2_(&stream, wrapper.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw ZooError("zlib could not start: out of memory", code: .system)
        }
        defer { inflateEnd(&stream) }
        var status = Z_OK
        // One byte more, to notice data that goes on.
        var unpacked = [UInt8](unsafeUninitializedCapacity: byteCount + 1) { target, count in
            packed.withUnsafeBufferPointer { source in
                stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(byteCount + 1)
                status = CZlib.inflate(&stream, Z_FINISH)
                count = byteCount + 1 - Int(stream.avail_out)
            }
        }
        guard status == Z_STREAM_END, stream.avail_in == 0, unpacked.count == byteCount else {
            if unpacked.count == byteCount, stream.avail_in == 0 {
                throw ZooError("\(subject) is damaged: its checksum does not match, or is cut short", code: .damaged)
            }
            if unpacked.count > byteCount { unpacked.removeLast() }
            throw ZooError(
                "\(subject) is damaged: its deflated data does not unpack to exactly \(byteCount) bytes "
                    + "(\(unpacked.count) came, \(stream.avail_in) packed ones are left over)", code: .damaged)
        }
        return unpacked
    }

    /// CRC-32 of `bytes` (ISO 3309), as in zip; of what came before and `bytes` where `before` is that of the former.
    package static func crc32(_ bytes: ArraySlice<UInt8>, after before: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBufferPointer { buffer in
            UInt32(truncatingIfNeeded: crc32_z(UInt(before), buffer.baseAddress, buffer.count))
        }
    }
}

/// How much memory the packed parts of one file may take together, so that a small file cannot ask for much: with the
/// file itself no more than four times its length and 64 MiB.
package struct UnpackingBudget {
    private let fileByteCount: Int
    private let limit: Int
    /// What stays in memory as long as the file is looked at.
    private var kept = 0
    /// The most that was borrowed at once.
    private var borrowed = 0

    /// The budget of a file of `fileByteCount` bytes: three times its length and 56 MiB, for the file is in memory too.
    package init(fileByteCount: Int) {
        self.fileByteCount = fileByteCount
        limit = 3 * fileByteCount + 56 << 20
    }

    /// A budget of `limit` bytes, for data that are not unpacked into memory.
    package init(limit: Int) {
        fileByteCount = 0
        self.limit = limit
    }

    /// Takes `byteCount` bytes for `subject`, which stay.
    ///
    /// - Throws: `ZooError` when that is more than what is left.
    package mutating func take(_ byteCount: Int, for subject: String) throws {
        try check(byteCount, besides: borrowed, subject)
        kept += byteCount
    }

    /// Takes `byteCount` bytes that are given back before more are borrowed: for unpacking `subject`, or for its values
    /// as f32.
    ///
    /// - Throws: `ZooError` when that is more than what is left.
    package mutating func borrow(_ byteCount: Int, for subject: String) throws {
        guard byteCount > borrowed else { return }
        try check(byteCount, besides: 0, subject)
        borrowed = byteCount
    }

    private func check(_ byteCount: Int, besides other: Int, _ subject: String) throws {
        // No overflow: each addend is at most the whole, which is at most thrice the length of a file.
        let left = limit - kept - other
        guard byteCount >= 0, byteCount <= left else {
            throw ZooError(
                "unpacked, \(subject) would take \(byteCount) bytes of memory, and \(max(0, left)) are left of what a file "
                    + "of \(fileByteCount) bytes may take (three times its length and 56 MiB)",
                advice: "store the file without compression", code: .limit)
        }
    }
}

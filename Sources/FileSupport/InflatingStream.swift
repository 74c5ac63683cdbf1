import CZlib
import TensorCore

/// Unpacks zlib data (RFC 1950) piece by piece, for data whose length is not known beforehand.
package final class InflatingStream {
    private var stream = z_stream()
    private let packed: ArraySlice<UInt8>
    private var isAtEnd = false
    private let subject: String

    /// - Throws: `ZooError` where zlib does not start.
    package init(_ packed: ArraySlice<UInt8>, of subject: String) throws {
        self.packed = packed
        self.subject = subject
        guard inflateInit2_(&stream, 15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw ZooError("zlib could not start: out of memory", code: .system)
        }
        stream.avail_in = 0
    }

    deinit {
        inflateEnd(&stream)
    }

    private var taken = 0

    /// Unpacks up to `target.count` bytes; fewer only at the end.
    ///
    /// - Throws: `ZooError` when the data is damaged or cut short.
    package func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
        guard !isAtEnd, let start = target.baseAddress, target.count > 0 else { return 0 }
        var filled = 0
        try packed.withUnsafeBytes { source in
            while filled < target.count, !isAtEnd {
                let rest = min(source.count - taken, 1 << 30)
                let room = min(target.count - filled, 1 << 30)
                stream.next_in = UnsafeMutablePointer(
                    mutating: source.baseAddress.map { ($0 + taken).assumingMemoryBound(to: UInt8.self) })
                stream.avail_in = UInt32(rest)
                stream.next_out = (start + filled).assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(room)
                let status = inflate(&stream, Z_NO_FLUSH)
                taken += rest - Int(stream.avail_in)
                filled += room - Int(stream.avail_out)
                isAtEnd = status == Z_STREAM_END
                guard isAtEnd || status == Z_OK, isAtEnd || filled == target.count || Int(stream.avail_in) < rest else {
                    throw ZooError("\(subject) is damaged: its packed data cannot be unpacked", code: .damaged)
                }
                if !isAtEnd, taken == source.count, filled < target.count {
                    throw ZooError("\(subject) is cut short", code: .damaged)
                }
            }
        }
        return filled
    }
}

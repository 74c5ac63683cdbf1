import Checkpoints
import TestSupport

/// A sound HDF5 file of our profile, taken apart so that single fields can be changed; checksums are put right.
struct HDF5Parts {
    private struct Message {
        let kind: UInt8
        let body: Range<Int>
        /// The part of the header that ends with a checksum.
        let chunk: Range<Int>
    }

    let bytes: [UInt8]
    private(set) var addresses: [String: Int] = [:]
    private var messages: [String: [Message]] = [:]

    /// - Parameter bytes: a file without messages in creation order, as the zoo writes it.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.count >= 48 { visit(number(36, 8), "/") }
    }

    private func number(_ position: Int, _ count: Int) -> Int {
        bytes[position..<position + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private mutating func visit(_ address: Int, _ path: String) {
        let flags = bytes[address + 5]
        let width = 1 << Int(flags & 3)
        let prefix = 6 + (flags & 0x20 == 0 ? 0 : 16) + (flags & 0x10 == 0 ? 0 : 4) + width
        let size = number(address + prefix - width, width)
        var blocks = [(chunk: address..<address + prefix + size + 4, first: address + prefix)]
        var found: [Message] = []
        var next = 0
        while next < blocks.count {
            let block = blocks[next]
            next += 1
            var position = block.first
            while block.chunk.upperBound - 4 - position >= 4 {
                let body = position + 4..<position + 4 + number(position + 1, 2)
                found.append(Message(kind: bytes[position], body: body, chunk: block.chunk))
                if bytes[position] == 0x10 {
                    let start = number(body.lowerBound, 8)
                    blocks.append((start..<start + number(body.lowerBound + 8, 8), start + 4))
                }
                position = body.upperBound
            }
        }
        addresses[path] = address
        messages[path] = found
        for link in found where link.kind == 0x06 {
            let end = link.body.upperBound - 8
            let start = link.body.lowerBound + (bytes[link.body.lowerBound + 1] & 0x10 == 0 ? 3 : 4)
            let name = String(decoding: bytes[start..<end], as: UTF8.self)
            visit(number(end, 8), path == "/" ? "/\(name)" : "\(path)/\(name)")
        }
    }

    /// The file with `new` at `offset` of the superblock.
    func superblock(_ offset: Int, _ new: [UInt8]) -> [UInt8] {
        Self.repaired(bytes.changed(offset, new), 0..<48)
    }

    /// The file with `new` at `offset` of the object header at `path`; its checksum does not match.
    func header(_ path: String, _ offset: Int, _ new: [UInt8]) -> [UInt8] {
        addresses[path].map { bytes.changed($0 + offset, new) } ?? []
    }

    /// The file with `new` at `offset` of the `nth` message of a kind: −4 is the kind, −1 are the flags, 0 its first byte.
    ///
    /// - Parameter fromEnd: whether `offset` counts from behind its last byte.
    func message(
        _ path: String, _ kind: UInt8, nth: Int = 0, _ offset: Int, fromEnd: Bool = false, _ new: [UInt8]
    ) -> [UInt8] {
        let found = (messages[path] ?? []).filter { $0.kind == kind }
        guard nth < found.count else { return [] }
        let start = fromEnd ? found[nth].body.upperBound : found[nth].body.lowerBound
        return Self.repaired(bytes.changed(start + offset, new), found[nth].chunk)
    }

    /// The file with `new` at `offset` of the first continuation of the header at `path`; its checksum does not match.
    func continuation(_ path: String, _ offset: Int, _ new: [UInt8]) -> [UInt8] {
        let found = (messages[path] ?? []).first { $0.kind == 0x10 }
        return found.map { bytes.changed(number($0.body.lowerBound, 8) + offset, new) } ?? []
    }

    private static func repaired(_ bytes: [UInt8], _ chunk: Range<Int>) -> [UInt8] {
        guard chunk.upperBound <= bytes.count else { return [] }
        let checksum = HDF5Checksum.lookup3(bytes[chunk.lowerBound..<chunk.upperBound - 4])
        return bytes.changed(chunk.upperBound - 4, withUnsafeBytes(of: checksum.littleEndian, Array.init))
    }
}

/// `value` in 8 bytes, little-endian.
func wide(_ value: Int) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }

/// HDF5's undefined address.
let nowhere = [UInt8](repeating: 0xFF, count: 8)

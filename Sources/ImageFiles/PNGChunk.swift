import FileSupport

/// A chunk of a PNG file: four bytes of length, four of name, data, and a checksum of name and data.
///
/// Source: PNG (ISO/IEC 15948), section 5.3.
struct PNGChunk {
    let name: ArraySlice<UInt8>
    let data: ArraySlice<UInt8>
    /// Where it begins in the file.
    let offset: Int
    /// Whether all its bytes are there.
    let isWhole: Bool
    private let checksum: UInt32
    private let checked: ArraySlice<UInt8>

    /// Whether its checksum is that of its name and data.
    var isIntact: Bool { isWhole && Inflater.crc32(checked) == checksum }

    /// Whether its name is one of letters, as all are.
    var hasName: Bool { name.count == 4 && name.allSatisfy { (65...90).contains($0) || (97...122).contains($0) } }

    func isNamed(_ name: String) -> Bool { self.name.elementsEqual(name.utf8) }

    /// The chunks of a file in order, up to its end or the first that is not whole.
    static func all(in bytes: [UInt8]) -> UnfoldFirstSequence<PNGChunk> {
        sequence(first: PNGChunk(bytes, at: 8)) { chunk in
            let next = chunk.offset + 12 + chunk.data.count
            return chunk.isWhole && next < bytes.count && !chunk.isNamed("IEND") ? PNGChunk(bytes, at: next) : nil
        }
    }

    private init(_ bytes: [UInt8], at offset: Int) {
        func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
        let rest = bytes[min(offset, bytes.count)...]
        self.offset = offset
        name = rest.dropFirst(4).prefix(4)
        let count = Int(number(rest.prefix(4)))
        data = rest.dropFirst(8).prefix(count)
        let end = rest.dropFirst(8 + data.count).prefix(4)
        isWhole = data.count == count && end.count == 4
        checksum = number(end)
        checked = bytes[name.startIndex..<data.endIndex]
    }
}

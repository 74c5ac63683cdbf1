/// The checksum of HDF5 metadata: Bob Jenkins' lookup3 (`hashlittle` with initial value 0).
///
/// Source: HDF5 File Format Specification 3.0, section "Checksum"; Jenkins, lookup3.c (2006, public domain).
package enum HDF5Checksum {
    /// The checksum of `bytes`.
    package static func lookup3(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBytes(lookup3)
    }

    private static func lookup3(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var a = UInt32(0xDEAD_BEEF) &+ UInt32(truncatingIfNeeded: bytes.count)
        var b = a
        var c = a
        var position = 0
        /// The word `index` places on; bytes behind the end count as 0.
        func word(_ index: Int) -> UInt32 {
            let start = position + index * 4
            if start + 4 <= bytes.count {
                return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
            }
            var value: UInt32 = 0
            for place in stride(from: bytes.count - 1, through: start, by: -1) {
                value = value << 8 | UInt32(bytes[place])
            }
            return value
        }
        func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 { value << count | value >> (32 - count) }

        while bytes.count - position > 12 {
            a &+= word(0)
            b &+= word(1)
            c &+= word(2)
            a = (a &- c) ^ rotate(c, 4)
            c &+= b
            b = (b &- a) ^ rotate(a, 6)
            a &+= c
            c = (c &- b) ^ rotate(b, 8)
            b &+= a
            a = (a &- c) ^ rotate(c, 16)
            c &+= b
            b = (b &- a) ^ rotate(a, 19)
            a &+= c
            c = (c &- b) ^ rotate(b, 4)
            b &+= a
            position += 12
        }
        guard position < bytes.count else { return c }
        a &+= word(0)
        b &+= word(1)
        c &+= word(2)
        c = (c ^ b) &- rotate(b, 14)
        a = (a ^ c) &- rotate(c, 11)
        b = (b ^ a) &- rotate(a, 25)
        c = (c ^ b) &- rotate(b, 16)
        a = (a ^ c) &- rotate(c, 4)
        b = (b ^ a) &- rotate(a, 14)
        c = (c ^ b) &- rotate(b, 24)
        return c
    }
}

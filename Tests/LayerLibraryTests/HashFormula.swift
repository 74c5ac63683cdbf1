/// Numbers that Swift and Python compute alike, to the last bit: the inputs and parameters of the tests.
///
/// Element i of the tensor `key` is h/2²³ − 1 with h the upper 24 bits of the 32-bit mix (MurmurHash3's finaliser) of
/// FNV-1a(key) + i·0x9E3779B9: multiples of 2⁻²³ in −1 ..< 1, exact in `Float`. `formula` of `tools/reference/models.py` is the
/// other half.
enum HashFormula {
    /// The first `count` elements of the tensor `key`, times `scale`, plus `offset`.
    static func values(_ key: String, count: Int, scale: Double = 1, offset: Double = 0) -> [Double] {
        let seed = key.utf8.reduce(0x811C_9DC5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        return (0..<count).map { index in
            var h = seed &+ UInt32(truncatingIfNeeded: index) &* 0x9E37_79B9
            h = (h ^ (h >> 16)) &* 0x85EB_CA6B
            h = (h ^ (h >> 13)) &* 0xC2B2_AE35
            h ^= h >> 16
            return (Double(h >> 8) * 0x1p-23 - 1) * scale + offset
        }
    }
}

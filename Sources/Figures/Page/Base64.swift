/// Bytes as text (RFC 4648, section 4).
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        let padding = UInt8(ascii: "=")
        return String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { output in
            var place = 0
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let group = bytes[start..<min(start + 3, bytes.count)]
                var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                bits <<= UInt32(8 * (3 - group.count))
                for digit in 0..<4 {
                    let index = Int(bits >> UInt32(18 - 6 * digit) & 63)
                    output[place + digit] = digit <= group.count ? digits[index] : padding
                }
                place += 4
            }
            return place
        }
    }
}

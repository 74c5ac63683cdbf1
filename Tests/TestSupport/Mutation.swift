extension [UInt8] {
    /// Changes a few bytes of `range`, or the length of the file.
    package mutating func mutate(in range: Range<Int>, _ numbers: inout SplitMix64) {
        let range = range.clamped(to: indices)
        guard let position = range.randomElement(using: &numbers) else { return }
        switch Int.random(in: 0..<14, using: &numbers) {
        case 0: removeLast(Int.random(in: 0..<Swift.min(64, count), using: &numbers))
        case 1: removeSubrange(position..<Swift.min(position + 8, count))
        case 2: insert(UInt8.random(in: 0...255, using: &numbers), at: position)
        case 3: insert(contentsOf: self[position..<Swift.min(position + 24, count)], at: position)
        case 4...6: self[position] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
        case 7...8: self[position] = UInt8.random(in: 0...255, using: &numbers)
        case 9:
            // Digits are sizes in texts.
            self[position] = "0123456789[]{},:\"-e.".utf8.randomElement(using: &numbers) ?? 0
        default:
            // A number of 1 to 8 bytes that tends to break arithmetic.
            let special: [UInt64] = [
                0, 1, .max, UInt64(Int64.max), 1 << 63, 1 << 62, 1 << 32, UInt64(UInt32.max), UInt64(count),
                UInt64(count - 1), UInt64.random(in: 0...UInt64(count), using: &numbers), 48, 1 << 25,
            ]
            let number = special.randomElement(using: &numbers) ?? 0
            let width = [1, 2, 4, 8].randomElement(using: &numbers) ?? 1
            for index in 0..<width where position + index < count {
                self[position + index] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(index)))
            }
        }
    }

    /// Where `signature` stands.
    package func places(of signature: String) -> [Int] {
        indices.filter { self[$0...].starts(with: signature.utf8) }
    }

    /// A copy with `bytes` in place of what stands `offset` behind the `nth` place of `signature`; empty where there are
    /// not so many.
    package func changed(_ signature: String, _ nth: Int, _ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
        let places = places(of: signature)
        guard nth < places.count else { return [] }
        return changed(places[nth] + offset, bytes)
    }

    /// A copy with `bytes` in place of what stands at `position`; empty where that is not inside.
    package func changed(_ position: Int, _ bytes: [UInt8]) -> [UInt8] {
        guard position >= 0, position + bytes.count <= count else { return [] }
        var copy = self
        copy.replaceSubrange(position..<position + bytes.count, with: bytes)
        return copy
    }
}

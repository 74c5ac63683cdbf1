import Checkpoints
import TestSupport

/// Where the checksums of a sound file of libver="latest" are, so that they can be put right after a change.
struct HDF5Seals: Sendable {
    private static let signatures = [
        "OHDR", "OCHK", "FRHP", "FHIB", "FHDB", "BTHD", "BTIN", "BTLF", "FAHD", "FADB", "EAHD", "EAIB", "EASB", "EADB",
    ]
    /// What a checksum is of, and where it stands: behind that, or inside, where it counts as zeros.
    private var seals: [(range: Range<Int>, place: Int)] = []

    init(_ bytes: [UInt8]) {
        for start in Self.signatures.flatMap(bytes.places) {
            // A direct block of a heap says its length nowhere; its checksum follows an offset of 4 or 5 bytes.
            let inside = bytes[start...].starts(with: "FHDB".utf8) ? [17, 18].map { start + $0 } : []
            let found = inside.compactMap { place in
                [512, 1024, 2048].map { start..<start + $0 }.first {
                    $0.upperBound <= bytes.count && Self.checksum(bytes, $0, place) == Self.stored(bytes, place)
                }.map { (range: $0, place: place) }
            }
            if let seal = found.first {
                seals.append(seal)
            } else if let end = (start + 8..<min(start + 1_600, bytes.count - 3)).first(
                where: {
                    Self.checksum(bytes, start..<$0, $0) == Self.stored(bytes, $0)
                })
            {
                seals.append((start..<end, end))
            }
        }
    }

    var count: Int { seals.count }

    /// The file with right checksums, if it has its length yet.
    func applied(to bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for (range, place) in seals where max(range.upperBound, place + 4) <= bytes.count {
            let checksum = Self.checksum(bytes, range, place)
            bytes.replaceSubrange(place..<place + 4, with: withUnsafeBytes(of: checksum.littleEndian, Array.init))
        }
        return bytes
    }

    private static func checksum(_ bytes: [UInt8], _ range: Range<Int>, _ place: Int) -> UInt32 {
        guard range.contains(place) else { return HDF5Checksum.lookup3(bytes[range]) }
        var part = Array(bytes[range])
        part.replaceSubrange(place - range.lowerBound..<place - range.lowerBound + 4, with: [0, 0, 0, 0])
        return HDF5Checksum.lookup3(part[...])
    }

    private static func stored(_ bytes: [UInt8], _ place: Int) -> UInt32 {
        bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}

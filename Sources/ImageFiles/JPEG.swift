/// The markers of a JPEG file (ITU-T T.81, annex B), read where they say more of a file than its decoder does.
struct JPEG {
    /// The marker of the frame (table B.1) and the bits of a sample; nil where there is no frame.
    private(set) var frame: (marker: UInt8, precision: UInt8)?
    /// How many scans a progressive picture has.
    private(set) var scanCount = 0

    /// A progressive file may say the same picture again and again; more scans than this are hostile.
    static let maximumScanCount = 100

    init(_ bytes: [UInt8]) {
        // Segments follow the start of the image: 0xFF, a marker, and the length with its own two bytes.
        var position = 2
        while position + 4 <= bytes.count {
            guard bytes[position] == 0xFF, bytes[position + 1] != 0xFF else {
                // Stray bytes, or the filling before a marker.
                position += 1
                continue
            }
            let marker = bytes[position + 1]
            switch marker {
            // Bytes of a scan, and what restarts it.
            case 0x00, 0x01, 0xD0...0xD7:
                position += 2
                continue
            case 0xD9: return
            case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
                if frame == nil, position + 5 <= bytes.count { frame = (marker, bytes[position + 4]) }
            case 0xDA:
                scanCount += 1
                guard isProgressive, scanCount <= Self.maximumScanCount else { return }
            default: break
            }
            position += 2 + max(2, Int(bytes[position + 2]) << 8 | Int(bytes[position + 3]))
        }
    }

    private var isProgressive: Bool { frame?.marker == 0xC2 || frame?.marker == 0xCA }

    /// What the file uses that libjpeg does not read, though the file may well be sound; nil for nothing.
    var unsupported: String? {
        guard let frame else { return nil }
        switch frame.marker {
        case 0xC3: return "lossless coding (SOF3)"
        case 0xC5, 0xC6, 0xC7: return "hierarchical coding"
        case 0xCB: return "lossless arithmetic coding (SOF11)"
        case 0xCD, 0xCE, 0xCF: return "hierarchical arithmetic coding"
        default: break
        }
        // Others than these no JPEG has.
        return frame.precision == 12 || frame.precision == 16 ? "samples of \(frame.precision) bits" : nil
    }
}

/// How a picture must be turned to be seen as it was taken: the EXIF tag 0x0112.
///
/// Source: CIPA DC-008 (EXIF 2.32), section 4.6.4; TIFF 6.0, section 2; PNG (ISO/IEC 15948), third edition, section 11.3.2.6.
enum EXIFOrientation: UInt16 {
    case upright = 1
    case mirrored, upsideDown, flipped, transposed, turnedLeft, transversed, turnedRight

    /// The orientation that the JPEG file `bytes` states; upright if it states none, or what is stated makes no sense.
    init(ofJPEG bytes: [UInt8]) {
        self = .upright
        // Segments follow the start of the image: 0xFF, a marker, and the length with its own two bytes.
        var position = 2
        while position + 4 <= bytes.count, bytes[position] == 0xFF {
            let marker = bytes[position + 1]
            // Any number of 0xFF may come before a marker.
            if marker == 0xFF {
                position += 1
                continue
            }
            // The scan: what follows are pixels.
            if marker == 0xDA || marker == 0xD9 { return }
            let count = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
            let content = bytes[(position + 4)...].prefix(max(0, count - 2))
            if marker == 0xE1, content.starts(with: Array("Exif\0\0".utf8)) {
                self = Self(tiff: content.dropFirst(6))
                return
            }
            position += 2 + max(2, count)
        }
    }

    /// The orientation that the PNG file `bytes` states, as `init(ofJPEG:)`.
    init(ofPNG bytes: [UInt8]) {
        let data = PNGChunk.all(in: bytes).first { $0.isNamed("eXIf") }?.data
        self = data.map { Self(tiff: $0) } ?? .upright
    }

    /// The orientation in EXIF data, which are a TIFF file: a byte order, and a table of tags.
    private init(tiff: ArraySlice<UInt8>) {
        self = .upright
        let bytes = Array(tiff)
        let isLittle = bytes.starts(with: [0x49, 0x49, 42, 0])
        guard isLittle || bytes.starts(with: [0x4D, 0x4D, 0, 42]) else { return }
        func number(_ position: Int, _ count: Int) -> Int? {
            guard position >= 0, position + count <= bytes.count else { return nil }
            let part = bytes[position..<position + count]
            return (isLittle ? Array(part.reversed()) : Array(part)).reduce(0) { $0 << 8 | Int($1) }
        }
        guard let table = number(4, 4), let count = number(table, 2) else { return }
        for entry in 0..<count {
            let start = table + 2 + 12 * entry
            guard let tag = number(start, 2) else { return }
            guard tag == 0x0112 else { continue }
            // A short, whose value stands in the entry itself.
            guard number(start + 2, 2) == 3, number(start + 4, 4) == 1, let value = number(start + 8, 2) else { return }
            self = Self(rawValue: UInt16(value)) ?? .upright
            return
        }
    }
}

extension Image8 {
    /// The image turned and mirrored as `orientation` says.
    func oriented(_ orientation: EXIFOrientation) -> Image8 {
        guard orientation != .upright else { return self }
        let isTurned = orientation.rawValue >= EXIFOrientation.transposed.rawValue
        let (newWidth, newHeight) = isTurned ? (height, width) : (width, height)
        let oriented = [UInt8](unsafeUninitializedCapacity: pixels.count) { output, count in
            pixels.withUnsafeBufferPointer { input in
                for row in 0..<newHeight {
                    for column in 0..<newWidth {
                        let (oldRow, oldColumn) =
                            switch orientation {
                            case .upright: (row, column)
                            case .mirrored: (row, width - 1 - column)
                            case .upsideDown: (height - 1 - row, width - 1 - column)
                            case .flipped: (height - 1 - row, column)
                            case .transposed: (column, row)
                            case .turnedLeft: (height - 1 - column, row)
                            case .transversed: (height - 1 - column, width - 1 - row)
                            case .turnedRight: (column, width - 1 - row)
                            }
                        let (to, from) = ((row * newWidth + column) * channels, (oldRow * width + oldColumn) * channels)
                        for channel in 0..<channels { output[to + channel] = input[from + channel] }
                    }
                }
            }
            count = pixels.count
        }
        return Image8(uncheckedWidth: newWidth, height: newHeight, channels: channels, pixels: oriented)
    }
}

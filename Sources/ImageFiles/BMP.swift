import FileSupport
import TensorCore

/// Windows bitmaps that are not compressed, of 1 to 8 bits with a palette, 24 or 32 bits. Read here because libvips in Debian
/// reads them through ImageMagick only, which is not used.
///
/// Source: Microsoft, "Bitmap Storage" and BITMAPV5HEADER.
enum BMP {
    private static let fileHeaderByteCount = 14
    private static let format = ByteCursor.Format(name: "BMP", advice: PictureKind.conversionAdvice)
    /// Blue, green, red and alpha in bytes of this order.
    private static let usualMasks: [UInt64] = [0xFF_0000, 0xFF00, 0xFF]

    /// Whether a file begins as a bitmap does: with its mark and the length of a header that is read.
    static func isBMP(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: Array("BM".utf8)) && bytes.count > 18 && (40...124).contains(bytes[14])
            && bytes[15..<18].allSatisfy { $0 == 0 }
    }

    /// The image: grey where the palette is, else RGB; transparent pixels are put on white.
    static func decode(_ bytes: [UInt8], name: String) throws -> Image8 {
        let subject = "the BMP image '\(name)'"
        var cursor = ByteCursor(bytes, format: format, subject: subject)
        _ = try cursor.bytes(10, "the file's header")
        let start = try cursor.integer(bytes: 4, "the place of the pixels")
        let headerByteCount = try cursor.integer(bytes: 4, "the header's length")
        func signed() throws -> Int { Int(Int32(truncatingIfNeeded: try cursor.unsigned(bytes: 4, "the size"))) }
        let width = try signed()
        let rows = try signed()
        _ = try cursor.integer(bytes: 2, "the planes")
        let bitCount = try cursor.integer(bytes: 2, "the bits of a pixel")
        let compression = try cursor.integer(bytes: 4, "the compression")
        _ = try cursor.bytes(12, "the resolution")
        let colorCount = try cursor.integer(bytes: 4, "the number of colours")
        _ = try cursor.bytes(4, "the important colours")
        let height = abs(rows)
        try Image8.check(width: width, height: height, of: subject)
        // Masks follow a header of 40 bytes, and are part of longer ones.
        var hasAlpha = false
        if compression == 3, bitCount == 32 {
            let masks = try (0..<3).map { _ in try cursor.unsigned(bytes: 4, "a mask") }
            guard masks == usualMasks else { throw unsupported(subject, "samples in an unusual order") }
            hasAlpha = headerByteCount >= 56 ? try cursor.unsigned(bytes: 4, "a mask") == 0xFF00_0000 : false
        } else if compression != 0 {
            throw unsupported(subject, "compression (\(compression))")
        }
        guard [1, 2, 4, 8, 24, 32].contains(bitCount) else {
            throw unsupported(subject, "\(bitCount) bits a pixel")
        }
        let rowByteCount = (width * bitCount + 31) / 32 * 4
        guard start <= bytes.count, rowByteCount * height <= bytes.count - start else {
            throw ZooError(
                "\(subject) is cut off after \(bytes.count) bytes", advice: "fetch or export the image again",
                code: .damaged)
        }
        try ImageFiles.checkMemory(
            pixelCount: width * height, bytesPerPixel: 3, fileByteCount: bytes.count, of: subject)
        func row(_ y: Int) -> ArraySlice<UInt8> {
            bytes[(start + (rows < 0 ? y : height - 1 - y) * rowByteCount)...]
        }
        var pixels: [UInt8] = []
        guard bitCount <= 8 else {
            pixels.reserveCapacity(3 * width * height)
            for y in 0..<height {
                let row = row(y)
                for x in 0..<width {
                    let first = row.startIndex + x * bitCount / 8
                    let alpha = hasAlpha ? Int(row[first + 3]) : 255
                    for sample in [2, 1, 0] {
                        let light = Int(row[first + sample]) * alpha + 255 * (255 - alpha)
                        pixels.append(UInt8((light + 127) / 255))
                    }
                }
            }
            return try Image8(width: width, height: height, channels: 3, pixels: pixels)
        }
        let paletteStart = fileHeaderByteCount + headerByteCount
        let count = min(1 << bitCount, colorCount == 0 ? 1 << bitCount : colorCount)
        guard paletteStart + 4 * count <= bytes.count else {
            throw ZooError(
                "\(subject) is damaged: it ends in its palette", advice: "fetch or export the image again",
                code: .damaged)
        }
        // What the palette does not name is black.
        var palette = [[UInt8]](repeating: [0, 0, 0], count: 1 << bitCount)
        for index in 0..<count {
            let color = bytes[(paletteStart + 4 * index)...].prefix(3)
            palette[index] = color.reversed()
        }
        let isGrey = palette.allSatisfy { $0[0] == $0[1] && $0[1] == $0[2] }
        for y in 0..<height {
            let row = row(y)
            for x in 0..<width {
                let bit = x * bitCount
                let byte = Int(row[row.startIndex + bit / 8])
                let index = (byte >> (8 - bitCount - bit % 8)) & ((1 << bitCount) - 1)
                pixels += palette[index].prefix(isGrey ? 1 : 3)
            }
        }
        return try Image8(width: width, height: height, channels: isGrey ? 1 : 3, pixels: pixels)
    }

    private static func unsupported(_ subject: String, _ what: String) -> ZooError {
        ZooError("\(subject) has \(what), which is not read", advice: PictureKind.conversionAdvice, code: .unsupported)
    }
}

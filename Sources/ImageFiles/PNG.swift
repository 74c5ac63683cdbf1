import CCairo
import TensorCore

/// PNG (ISO/IEC 15948): written through Cairo; and what is wrong with a file that cannot be read.
enum PNG {
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    static func encode(_ image: Image8) throws -> [UInt8] {
        let surface = try ImageSurface(image)
        var bytes: [UInt8] = []
        let status = withUnsafeMutablePointer(to: &bytes) { output in
            cairo_surface_write_to_png_stream(surface.handle, appendToByteArray, output)
        }
        guard status == CAIRO_STATUS_SUCCESS else {
            throw ZooError(
                "an image of \(image.width) x \(image.height) pixels cannot be written as PNG: \(describe(status))",
                code: .invalidValue)
        }
        return bytes
    }

    static func describe(_ status: cairo_status_t) -> String {
        String(cString: cairo_status_to_string(status))
    }

    /// Throws for a file that ends before its last chunk, IEND.
    static func requireWhole(_ bytes: [UInt8], name: String) throws {
        var hasEnd = false
        for chunk in PNGChunk.all(in: bytes) {
            // What has no name is not cut off but damaged.
            guard chunk.hasName || !chunk.isWhole else { return }
            if !chunk.isWhole { break }
            hasEnd = chunk.isNamed("IEND")
        }
        guard hasEnd else {
            throw ZooError(
                "the PNG image '\(name)' is cut off after \(bytes.count) bytes",
                advice: "fetch or export the image again",
                code: .damaged)
        }
    }

    /// What is wrong with a file that cannot be decoded.
    static func problem(in bytes: [UInt8]) -> String {
        var hasPixels = false
        for chunk in PNGChunk.all(in: bytes) {
            let name = String(decoding: chunk.name, as: UTF8.self)
            guard chunk.hasName else { return "there is no chunk at byte \(chunk.offset)" }
            guard chunk.isWhole else { return "its chunk \(name) at byte \(chunk.offset) is longer than the file" }
            guard chunk.isIntact else { return "its chunk \(name) at byte \(chunk.offset) does not match its checksum" }
            if chunk.offset == 8, !chunk.isNamed("IHDR") { return "it does not begin with an IHDR chunk" }
            if chunk.isNamed("IDAT") { hasPixels = true }
        }
        return hasPixels ? "its pixels cannot be unpacked" : "it has no pixels"
    }

    /// The file with its EXIF data before its pixels: they may lie behind them, where libvips does not look.
    static func withOrientationFirst(_ bytes: [UInt8]) -> [UInt8] {
        var pixels: Int?
        for chunk in PNGChunk.all(in: bytes) where chunk.isWhole {
            if chunk.isNamed("IDAT"), pixels == nil { pixels = chunk.offset }
            guard chunk.isNamed("eXIf"), let pixels else { continue }
            let range = chunk.offset..<chunk.offset + 12 + chunk.data.count
            return [bytes[..<pixels], bytes[range], bytes[pixels..<range.lowerBound], bytes[range.upperBound...]]
                .flatMap(\.self)
        }
        return bytes
    }
}

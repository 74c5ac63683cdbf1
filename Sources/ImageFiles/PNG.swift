import CCairo
import TensorCore

/// PNG (ISO/IEC 15948) through Cairo.
enum PNG {
    private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    static func isRecognized(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: signature)
    }

    static func decode(_ bytes: [UInt8], name: String) throws -> Image8 {
        let header = try Header(bytes, name: name)
        let (handle, isCutOff) = bytes.withUnsafeBytes { file in
            var reader = Reader(remaining: file)
            let handle = cairo_image_surface_create_from_png_stream(
                { closure, destination, count in
                    guard let reader = closure?.assumingMemoryBound(to: Reader.self), let destination else {
                        return CAIRO_STATUS_READ_ERROR
                    }
                    return reader.pointee.read(Int(count), to: destination)
                }, &reader)
            return (handle, reader.isExhausted)
        }
        let advice = "Fetch or export the image again."
        let surface = try ImageSurface(handle) { _ in
            // Cairo says "out of memory" of whatever libpng finds.
            isCutOff
                ? ZooError("the PNG image '\(name)' is cut off after \(bytes.count) bytes", advice: advice)
                : ZooError(
                    "the PNG image '\(name)' (\(header.width) x \(header.height)) is damaged: \(problem(in: bytes))",
                    advice: advice)
        }
        guard surface.width == header.width, surface.height == header.height else {
            throw ZooError(
                "the PNG image '\(name)' is damaged: its header says \(header.width) x \(header.height) pixels, its data "
                    + "\(surface.width) x \(surface.height)", advice: advice)
        }
        return try surface.image(channels: header.isGrey ? 1 : 3)
    }

    /// What is wrong with a file that cannot be decoded.
    private static func problem(in bytes: [UInt8]) -> String {
        var hasPixels = false
        for chunk in PNGChunk.all(in: bytes) {
            let name = String(decoding: chunk.name, as: UTF8.self)
            let isName = chunk.name.allSatisfy { (65...90).contains($0) || (97...122).contains($0) }
            guard isName else { return "there is no chunk at byte \(chunk.offset)" }
            guard chunk.isWhole else { return "its chunk \(name) at byte \(chunk.offset) is longer than the file" }
            guard chunk.isIntact else { return "its chunk \(name) at byte \(chunk.offset) does not match its checksum" }
            if chunk.isNamed("IDAT") { hasPixels = true }
        }
        return hasPixels ? "its pixels cannot be unpacked" : "it has no pixels"
    }

    static func encode(_ image: Image8) throws -> [UInt8] {
        let surface = try ImageSurface(image)
        var bytes: [UInt8] = []
        let status = withUnsafeMutablePointer(to: &bytes) { output in
            cairo_surface_write_to_png_stream(surface.handle, appendToByteArray, output)
        }
        guard status == CAIRO_STATUS_SUCCESS else {
            throw ZooError(
                "an image of \(image.width) x \(image.height) pixels cannot be written as PNG: \(describe(status))")
        }
        return bytes
    }

    static func describe(_ status: cairo_status_t) -> String {
        String(cString: cairo_status_to_string(status))
    }

    /// The image header chunk (section 11.2.2), read before the decoder so that no hostile size reaches it.
    private struct Header {
        let width: Int
        let height: Int
        /// Whether the file has grey pixels, with or without alpha.
        let isGrey: Bool

        init(_ bytes: [UInt8], name: String) throws {
            // Signature (8), length (4), "IHDR" (4), width (4), height (4), bit depth (1), colour type (1).
            guard bytes.count >= 26 else {
                throw ZooError(
                    "the PNG image '\(name)' is cut off: it has \(bytes.count) bytes, its header alone needs 26",
                    advice: "fetch or export the image again")
            }
            guard bytes[12..<16].elementsEqual("IHDR".utf8) else {
                throw ZooError("the PNG image '\(name)' is damaged: it does not begin with an IHDR chunk")
            }
            width = bytes[16..<20].reduce(0) { $0 << 8 | Int($1) }
            height = bytes[20..<24].reduce(0) { $0 << 8 | Int($1) }
            isGrey = bytes[25] == 0 || bytes[25] == 4
            try Image8.check(width: width, height: height, of: "the PNG image '\(name)'")
            // Cairo makes four floats of each pixel of 16-bit samples, and four bytes of others; alpha takes four more.
            let bytesPerPixel = (bytes[24] == 16 ? 16 : 4) + 4 + (isGrey ? 1 : 3)
            try ImageFiles.checkMemory(
                pixelCount: width * height, bytesPerPixel: bytesPerPixel, fileByteCount: bytes.count,
                of: "the PNG image '\(name)'")
        }
    }

    /// Hands the bytes of a file to Cairo piece by piece.
    private struct Reader {
        var remaining: UnsafeRawBufferPointer
        /// Whether more bytes were wanted than there are.
        var isExhausted = false

        mutating func read(_ count: Int, to destination: UnsafeMutablePointer<UInt8>) -> cairo_status_t {
            guard count <= remaining.count else {
                isExhausted = true
                return CAIRO_STATUS_READ_ERROR
            }
            UnsafeMutableRawBufferPointer(start: destination, count: count)
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: remaining.prefix(count)))
            remaining = UnsafeRawBufferPointer(rebasing: remaining.dropFirst(count))
            return CAIRO_STATUS_SUCCESS
        }
    }
}

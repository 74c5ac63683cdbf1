import CJPEG
import TensorCore

/// JPEG (ITU-T T.81) through libjpeg.
enum JPEG {
    /// Whether `bytes` begin with a start-of-image marker and another marker.
    static func isRecognized(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [0xFF, 0xD8, 0xFF])
    }

    static func decode(_ bytes: [UInt8], name: String) throws -> Image8 {
        var header = cjpeg_header()
        try call(name) { cjpeg_read_header(bytes, bytes.count, &header, $0) }
        let width = Int(header.width)
        let height = Int(header.height)
        try Image8.check(width: width, height: height, of: "the JPEG image '\(name)'")
        guard header.channels > 0 else {
            throw ZooError(
                "the JPEG image '\(name)' has \(header.stored_components) components that are neither grey nor RGB",
                advice: "convert it to an RGB JPEG or to PNG first")
        }
        let channels = Int(header.channels)
        // A progressive picture is decoded by way of two bytes for each sample.
        try ImageFiles.checkMemory(
            pixelCount: width * height, bytesPerPixel: 3 * channels, fileByteCount: bytes.count,
            of: "the JPEG image '\(name)'")
        var pixels = [UInt8](repeating: 0, count: width * height * channels)
        try call(name) { cjpeg_decode(bytes, bytes.count, &header, &pixels, $0) }
        return Image8(uncheckedWidth: width, height: height, channels: channels, pixels: pixels)
    }

    private static func call(_ name: String, _ body: (UnsafeMutablePointer<CChar>) -> Int32) throws {
        var result: Int32 = 0
        let message = [UInt8](unsafeUninitializedCapacity: Int(CJPEG_MESSAGE_SIZE)) { buffer, count in
            buffer.withMemoryRebound(to: CChar.self) { text in
                guard let start = text.baseAddress else { return }
                result = body(start)
            }
            count = result != 0 ? buffer.prefix { $0 != 0 }.count : 0
        }
        let reason = String(decoding: message, as: UTF8.self)
        switch Int(result) {
        case 0: return
        case CJPEG_UNSUPPORTED:
            throw ZooError(
                "the JPEG image '\(name)' uses \(reason), which is not supported",
                advice: "convert it to PNG, or to an 8-bit JPEG of the usual kind, first", code: .unsupported)
        default:
            throw ZooError(
                "the JPEG image '\(name)' is damaged: \(reason)", advice: "fetch or export the image again",
                code: .damaged)
        }
    }
}

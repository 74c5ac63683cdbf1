import FileSupport
import Glibc
import TensorCore

/// Reading JPEG, PNG, WebP, TIFF, GIF and BMP files and writing PNG.
public enum ImageFiles {
    /// The largest image file that is read, in bytes.
    public static let maximumByteCount = 512 << 20

    /// How the names of files that are read end, in lower case, without the dot.
    public static let extensions = Set(PictureKind.allCases.flatMap(\.extensions))

    /// The kinds of files that are read, for messages: `JPEG, PNG, WebP, TIFF, GIF or BMP`.
    ///
    /// - Parameter conjunction: `or`, `and`.
    public static func kinds(_ conjunction: String = "or") -> String {
        let names = PictureKind.allCases.map(\.name)
        return names.dropLast().joined(separator: ", ") + " \(conjunction) " + (names.last ?? "")
    }

    /// The image in the file at `path`; the format is decided by the content, not the name.
    ///
    /// Grey files give 1 channel, all others 3. Transparent pixels are put on white; of 16-bit samples the upper 8 bits are taken; CMYK
    /// becomes R = (1 − C)(1 − K) and so on, without a profile. The image is turned as EXIF data in the file say. Of several
    /// pictures (an animation, the pages of a TIFF) it is the first.
    ///
    /// - Parameter size: what the image will be resized to; nil where it is wanted as it is. A JPEG of at least four times
    ///   as many rows and columns is decoded at a half, a quarter or an eighth of its size, at least twice this size.
    /// - Throws: `ZooError` if the file cannot be read, is of another kind, is damaged or too large.
    public static func decode(path: String, resizingTo size: (width: Int, height: Int)? = nil) throws -> Image8 {
        try decode(path: Array(path.utf8), name: path, resizingTo: size)
    }

    /// As `decode(path:)`, of a path that need not be UTF-8; `name` is used in messages.
    /// - Throws: `ZooError` as `decode(path:)`.
    public static func decode(
        path: [UInt8], name: String, resizingTo size: (width: Int, height: Int)? = nil
    ) throws -> Image8 {
        try decode(readBytes(path, name: name), name: name, resizingTo: size)
    }

    /// The image in the bytes of a file (see `decode(path:)`). `name` is used in messages.
    /// - Throws: `ZooError` if the bytes are of no kind that is read, damaged or too large an image.
    public static func decode(
        _ bytes: [UInt8], name: String, resizingTo size: (width: Int, height: Int)? = nil
    ) throws -> Image8 {
        guard let kind = PictureKind(bytes) else {
            throw ZooError(
                "'\(name)' is no \(kinds()) image: \(describeStart(of: bytes))",
                advice: "convert the image to one of these first", code: .unsupported)
        }
        guard kind != .bmp else { return try BMP.decode(bytes, name: name) }
        return try PictureDecoding(kind, bytes, name: name, resizingTo: size).image()
    }

    /// The bytes of an 8-bit PNG file of `image`: greyscale for 1 channel, RGB for 3.
    /// - Throws: `ZooError` if memory is short.
    public static func encodePNG(_ image: Image8) throws -> [UInt8] {
        try PNG.encode(image)
    }

    /// Memory that decoding may take besides `memoryFactor` times the file's length, in bytes.
    private static let freeMemory = 128 << 20
    private static let memoryFactor = 400

    /// Throws where a few bytes ask for much memory: pictures have fewer pixels for each byte of their file.
    static func checkMemory(pixelCount: Int, bytesPerPixel: Int, fileByteCount: Int, of subject: String) throws {
        let needed = pixelCount * bytesPerPixel
        guard needed <= freeMemory + memoryFactor * fileByteCount else {
            throw ZooError(
                "\(subject) has \(pixelCount) pixels in \(fileByteCount) bytes; decoding it would take \(needed >> 20) MB, and "
                    + "at most \(freeMemory >> 20) MB and \(memoryFactor) times the file's length are used",
                advice: "make the image smaller first", code: .limit)
        }
    }

    private static func describeStart(of bytes: [UInt8]) -> String {
        if bytes.isEmpty { return "it is empty" }
        let digits = Array("0123456789ABCDEF")
        let start = bytes.prefix(8).map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }
        return "its \(bytes.count) bytes begin with \(start.joined(separator: " "))"
    }

    private static func readBytes(_ path: [UInt8], name: String) throws -> [UInt8] {
        do {
            return try FileReading.bytes(of: path, limit: maximumByteCount)
        } catch {
            switch error {
            case .system(let code): throw readError(name, code)
            case .notRegular:
                throw ZooError("'\(name)' is not a regular file, so it cannot be read as an image", code: .unsupported)
            case .tooLong(let byteCount):
                throw ZooError(
                    "'\(name)' has \(byteCount) bytes; image files of at most \(maximumByteCount) bytes are read",
                    code: .limit)
            }
        }
    }

    private static func readError(_ path: String, _ code: Int32) -> ZooError {
        ZooError("cannot read the image file '\(path)': \(String(cString: strerror(code)))", code: .system)
    }
}

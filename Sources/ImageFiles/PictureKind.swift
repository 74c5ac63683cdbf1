/// A kind of files of pictures that is read.
enum PictureKind: CaseIterable {
    case jpeg, png, webp, tiff, gif, bmp

    /// Known by how the file begins; nil for a file of another kind.
    init?(_ bytes: [UInt8]) {
        func begins(_ start: [UInt8]) -> Bool { bytes.starts(with: start) }
        if begins([0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if begins(PNG.signature) {
            self = .png
        } else if begins(Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            self = .webp
        } else if begins([0x49, 0x49, 42, 0]) || begins([0x4D, 0x4D, 0, 42]) || begins([0x49, 0x49, 43, 0, 8, 0, 0, 0])
            || begins([0x4D, 0x4D, 0, 43, 0, 8, 0, 0])
        {
            self = .tiff
        } else if begins(Array("GIF87a".utf8)) || begins(Array("GIF89a".utf8)) {
            self = .gif
        } else if BMP.isBMP(bytes) {
            self = .bmp
        } else {
            return nil
        }
    }

    var name: String {
        switch self {
        case .jpeg: "JPEG"
        case .png: "PNG"
        case .webp: "WebP"
        case .tiff: "TIFF"
        case .gif: "GIF"
        case .bmp: "BMP"
        }
    }

    /// How the names of files end; MPO files begin with a JPEG.
    var extensions: [String] {
        switch self {
        case .jpeg: ["jpg", "jpeg", "jpe", "jfif", "jif", "mpo"]
        case .png: ["png"]
        case .webp: ["webp"]
        case .tiff: ["tif", "tiff"]
        case .gif: ["gif"]
        case .bmp: ["bmp", "dib"]
        }
    }

    static let conversionAdvice = "convert it to PNG first"
}

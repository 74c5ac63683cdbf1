import TensorCore

/// Decodes a file of a picture through libvips.
struct PictureDecoding {
    private let kind: PictureKind
    private let name: String
    private let bytes: [UInt8]
    /// What the picture is to be resized to; nil where it is wanted as it is.
    private let size: (width: Int, height: Int)?

    private static let lock = FailureLock()

    /// - Parameter size: a JPEG of at least four times as many rows and columns is decoded at a half, a quarter or an eighth of its size, at
    ///   least twice this size.
    init(_ kind: PictureKind, _ bytes: [UInt8], name: String, resizingTo size: (width: Int, height: Int)?) {
        self.kind = kind
        self.name = name
        self.bytes = kind == .png ? PNG.withOrientationFirst(bytes) : bytes
        self.size = size
    }

    private var subject: String { "the \(kind.name) image '\(name)'" }

    /// The picture, grey or RGB.
    /// - Throws: `ZooError` for what is damaged, too large, or not read.
    func image() throws -> Image8 {
        if kind == .png { try PNG.requireWhole(bytes, name: name) }
        if let image = try Self.lock.besideOthers({ try attempt() }) { return image }
        return try Self.lock.alone {
            _ = VipsPicture.takeReasons()
            if let image = try attempt() { return image }
            let reasons = VipsPicture.takeReasons()
            if kind == .jpeg, Self.isHarmless(reasons), let image = try attempt(isStrict: false) { return image }
            throw damage(reasons)
        }
    }

    /// nil where libvips fails.
    private func attempt(isStrict: Bool = true) throws -> Image8? {
        do {
            return try bytes.withUnsafeBytes { bytes in
                var picture = try VipsPicture(kind, bytes, isStrict: isStrict)
                try check(picture)
                let colors = picture.colors
                let shrink = shrinkFactor(picture)
                if shrink > 1 { picture = try VipsPicture(kind, bytes, shrink: shrink, isStrict: isStrict) }
                if picture.sampleByteCount == 2 { picture = try picture.bytes() }
                if picture.hasAlpha { picture = try picture.onWhite() }
                if !picture.isUpright { picture = try picture.decoded().upright() }
                let channels = picture.bands
                let pixels = try picture.pixels()
                guard case .cmyk = colors else {
                    return try Image8(width: picture.width, height: picture.height, channels: channels, pixels: pixels)
                }
                return try Image8(
                    width: picture.width, height: picture.height, channels: 3, pixels: Self.rgb(ofCMYK: pixels))
            }
        } catch is VipsPicture.Failure {
            return nil
        }
    }

    /// Looks at what the file says of itself, before a pixel is decoded.
    private func check(_ picture: borrowing VipsPicture) throws {
        try Image8.check(width: picture.width, height: picture.height, of: subject)
        guard let sampleByteCount = picture.sampleByteCount else {
            throw ZooError(
                "\(subject) has samples that are no whole numbers of 8 or 16 bits",
                advice: "convert it first, or give its numbers as an array", code: .unsupported)
        }
        if case .other(let name) = picture.colors {
            throw ZooError(
                "\(subject) has \(picture.bands) samples a pixel (\(name)), which are neither grey, RGB nor CMYK",
                advice: "convert it to RGB first, or give its numbers as an array", code: .unsupported)
        }
        if kind == .jpeg, JPEG(bytes).scanCount > JPEG.maximumScanCount {
            throw ZooError(
                "\(subject) is damaged: it has more than \(JPEG.maximumScanCount) scans",
                advice: "fetch or export the image again", code: .damaged)
        }
        // Decoded, and copied when it is turned; and 8-bit samples at the end. A progressive JPEG has two bytes for each sample.
        let bytesPerPixel = 2 * picture.bands * sampleByteCount + 2 * min(3, picture.bands)
        try ImageFiles.checkMemory(
            pixelCount: picture.width * picture.height, bytesPerPixel: bytesPerPixel, fileByteCount: bytes.count,
            of: subject)
    }

    /// By which part of its size a JPEG is decoded: what is left is at least twice as large as what it is resized to, so that the mean of
    /// areas still decides what is seen.
    private func shrinkFactor(_ picture: borrowing VipsPicture) -> Int {
        guard kind == .jpeg, let size else { return 1 }
        let (columns, rows) = picture.isTurned ? (size.height, size.width) : (size.width, size.height)
        return [8, 4, 2].first { picture.width / $0 >= 2 * columns && picture.height / $0 >= 2 * rows } ?? 1
    }

    /// R = (255 − C)(255 − K) / 255, and so on: inks as ideal filters, without a profile.
    private static func rgb(ofCMYK pixels: [UInt8]) -> [UInt8] {
        let count = pixels.count / 4
        return [UInt8](unsafeUninitializedCapacity: 3 * count) { output, initialized in
            for pixel in 0..<count {
                let light = 255 - Int(pixels[4 * pixel + 3])
                for ink in 0..<3 {
                    let passed = 255 - Int(pixels[4 * pixel + ink])
                    output[3 * pixel + ink] = UInt8((passed * light + 127) / 255)
                }
            }
            initialized = 3 * count
        }
    }

    /// Whether a JPEG's decoder only found what costs no pixels: stray bytes between segments, or odd marks of programs.
    private static func isHarmless(_ reasons: String) -> Bool {
        let lines = reasons.split(separator: "\n")
        return !lines.isEmpty
            && lines.allSatisfy { line in
                ["extraneous bytes before marker", "unknown Adobe color transform", "unknown JFIF revision"].contains {
                    line.contains($0)
                }
            }
    }

    private func damage(_ reasons: String) -> ZooError {
        if kind == .jpeg, let unsupported = JPEG(bytes).unsupported {
            return ZooError(
                "\(subject) uses \(unsupported), which is not supported",
                advice: "convert it to PNG, or to an 8-bit JPEG of the usual kind, first", code: .unsupported)
        }
        // "where: what", a line for each.
        let first = reasons.split(separator: "\n").first.map(String.init) ?? ""
        let reason = first.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? "it cannot be decoded"
        let found = kind == .png ? PNG.problem(in: bytes) : reason
        return ZooError(
            "\(subject) is damaged: \(found)", advice: "fetch or export the image again", code: .damaged)
    }
}

import TensorCore

/// An image of 8-bit samples: grey (1 channel) or RGB (3 channels), in the order H W C, rows from the top.
public struct Image8: Sendable, Equatable {
    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// Samples per pixel: 1 (grey) or 3 (red, green, blue).
    public let channels: Int
    /// The samples, H W C. The count stays `width * height * channels`.
    public var pixels: [UInt8] {
        didSet {
            precondition(
                pixels.count == width * height * channels,
                "an image of \(width) x \(height) x \(channels) cannot hold \(pixels.count) samples")
        }
    }

    /// The largest width and height of an image.
    public static let maximumSide = 20_000
    /// The largest number of pixels (width times height) of an image.
    public static let maximumPixelCount = 100_000_000

    /// An image of the given samples, H W C.
    /// - Throws: `ZooError` if a size is not possible or `pixels` has another count than width × height × channels.
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) throws {
        try Image8.check(width: width, height: height, of: "the image")
        try Image8.check(channels: channels)
        guard pixels.count == width * height * channels else {
            throw ZooError(
                "an image of \(width) x \(height) pixels with \(channels) channels needs "
                    + "\(width * height * channels) samples, but \(pixels.count) were given", code: .mismatch)
        }
        self.init(uncheckedWidth: width, height: height, channels: channels, pixels: pixels)
    }

    /// An image of one grey value everywhere.
    /// - Throws: `ZooError` if a size is not possible.
    public init(width: Int, height: Int, channels: Int, filledWith value: UInt8) throws {
        try Image8.check(width: width, height: height, of: "the image")
        try Image8.check(channels: channels)
        self.init(
            uncheckedWidth: width, height: height, channels: channels,
            pixels: [UInt8](repeating: value, count: width * height * channels))
    }

    /// For callers that have checked the sizes.
    init(uncheckedWidth width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }

    /// Throws if no image may have these sizes. `subject` begins the message, for example "'a.png'".
    static func check(width: Int, height: Int, of subject: String) throws {
        guard width > 0, height > 0 else {
            throw ZooError(
                "the size of \(subject) is \(width) x \(height) pixels; both must be at least 1", code: .invalidValue)
        }
        guard width <= maximumSide, height <= maximumSide, width * height <= maximumPixelCount else {
            throw ZooError(
                "the size of \(subject) is \(width) x \(height) pixels; at most \(maximumSide) pixels a side and "
                    + "\(maximumPixelCount) pixels in all are allowed", code: .limit)
        }
    }

    private static func check(channels: Int) throws {
        guard channels == 1 || channels == 3 else {
            throw ZooError("an image has 1 channel (grey) or 3 (RGB), not \(channels)", code: .invalidValue)
        }
    }
}

extension Image8 {
    /// The part of `width` × `height` pixels in the middle. Where the margins cannot be equal, the left and the upper
    /// one is one pixel smaller.
    /// - Throws: `ZooError` if the part is empty or larger than the image.
    public func centerCropped(width newWidth: Int, height newHeight: Int) throws -> Image8 {
        try Image8.check(width: newWidth, height: newHeight, of: "the crop")
        guard newWidth <= width, newHeight <= height else {
            throw ZooError(
                "a crop of \(newWidth) x \(newHeight) pixels does not fit in an image of \(width) x \(height)",
                advice: "crop to at most \(width) x \(height), or resize first", code: .mismatch)
        }
        let left = (width - newWidth) / 2
        let top = (height - newHeight) / 2
        var cropped: [UInt8] = []
        cropped.reserveCapacity(newWidth * newHeight * channels)
        for row in top..<(top + newHeight) {
            let start = (row * width + left) * channels
            cropped.append(contentsOf: pixels[start..<(start + newWidth * channels)])
        }
        return Image8(uncheckedWidth: newWidth, height: newHeight, channels: channels, pixels: cropped)
    }

    /// The image with 1 or 3 channels. Grey becomes RGB by repetition, RGB becomes grey by the luma of
    /// ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B, rounded.
    /// - Throws: `ZooError` if `newChannels` is neither 1 nor 3.
    public func converted(toChannels newChannels: Int) throws -> Image8 {
        try Image8.check(channels: newChannels)
        if newChannels == channels { return self }
        let pixelCount = width * height
        let converted = [UInt8](unsafeUninitializedCapacity: pixelCount * newChannels) { output, count in
            for pixel in 0..<pixelCount {
                if newChannels == 3 {
                    let grey = pixels[pixel]
                    for channel in 0..<3 { output[pixel * 3 + channel] = grey }
                } else {
                    let red = 299 * Int(pixels[pixel * 3])
                    let green = 587 * Int(pixels[pixel * 3 + 1])
                    let blue = 114 * Int(pixels[pixel * 3 + 2])
                    output[pixel] = UInt8((red + green + blue + 500) / 1000)
                }
            }
            count = pixelCount * newChannels
        }
        return Image8(uncheckedWidth: width, height: height, channels: newChannels, pixels: converted)
    }
}

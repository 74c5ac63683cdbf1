import ImageFiles
import TensorCore

/// How the pictures of a folder become images of one shape.
public struct ImagePreparation: Sendable, Equatable {
    /// How a picture of another aspect fills an image.
    public enum Fit: String, Sendable, CaseIterable {
        /// The largest part of the image's aspect from the middle of the picture.
        case crop
        /// The whole picture, black where the image is larger.
        case pad
        /// The whole picture, its aspect changed.
        case stretch
    }

    /// Columns and rows of the part cut from the middle of each picture first; nil for the whole picture.
    public var crop: (width: Int, height: Int)? {
        get { cropSize.map { ($0[0], $0[1]) } }
        set { cropSize = newValue.map { [$0.width, $0.height] } }
    }
    private var cropSize: [Int]?
    /// Columns of the images.
    public var width: Int
    /// Rows of the images.
    public var height: Int
    /// 1 (grey) or 3 (RGB).
    public var channels: Int
    public var fit: Fit

    public init(
        crop: (width: Int, height: Int)? = nil, width: Int = 64, height: Int = 64, channels: Int = 3, fit: Fit = .crop
    ) {
        cropSize = crop.map { [$0.width, $0.height] }
        self.width = width
        self.height = height
        self.channels = channels
        self.fit = fit
    }

    /// The image of a picture: cropped, resized (area averaging when shrinking) and converted.
    /// - Throws: `ZooError` if the crop is larger than the picture.
    public func apply(to image: Image8) throws -> Image8 {
        let cropped = try crop.map { try image.centerCropped(width: $0.width, height: $0.height) } ?? image
        let resized =
            switch fit {
            case .crop: try cropped.fitted(width: width, height: height)
            case .pad: try cropped.padded(width: width, height: height)
            case .stretch: try cropped.resized(width: width, height: height)
            }
        return try resized.converted(toChannels: channels)
    }

    /// What pictures are resized to; nil where a part of so many pixels is cut from them first.
    public var decodingSize: (width: Int, height: Int)? { cropSize == nil ? (width, height) : nil }

    /// In words that can be read again: `crop 148x148, fit pad`.
    public var text: String {
        ((cropSize.map { ["crop \($0[0])x\($0[1])"] } ?? []) + ["fit \(fit.rawValue)"]).joined(separator: ", ")
    }

    /// The preparation that a text describes, for images of a shape `[C, H, W]`; nil for another text.
    public init?(_ text: String, shape: Shape) {
        self.init(width: shape.width, height: shape.height, channels: shape.channels)
        for part in text.split(separator: ",") {
            let words = part.split(separator: " ")
            guard words.count == 2 else { return nil }
            switch words[0] {
            case "crop":
                let sides = words[1].split(separator: "x").compactMap { Int($0) }
                guard sides.count == 2, sides.allSatisfy({ (1...1 << 20).contains($0) }) else { return nil }
                cropSize = sides
            case "fit":
                guard let fit = Fit(rawValue: String(words[1])) else { return nil }
                self.fit = fit
            default: return nil
            }
        }
    }
}

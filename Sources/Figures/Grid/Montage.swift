import ImageFiles
import TensorCore

extension Image8 {
    /// Images beside and below each other with white lines between them and no text: a picture of a figure or a page.
    ///
    /// - Parameters:
    ///   - images: row by row, all of the same size and number of channels.
    ///   - columns: images in a row.
    ///   - gap: pixels between two images.
    /// - Throws: `ZooError` where there is no image or they differ in size.
    public static func montage(of images: [Image8], columns: Int, gap: Int = 2) throws -> Image8 {
        guard let first = images.first, columns >= 1 else {
            throw ZooError("a montage needs at least 1 image and 1 column", code: .invalidValue)
        }
        guard images.allSatisfy({ ($0.width, $0.height, $0.channels) == (first.width, first.height, first.channels) })
        else { throw ZooError("the images of a montage are not all of one size", code: .mismatch) }
        let shown = min(columns, images.count)
        let rows = (images.count + columns - 1) / columns
        var sheet = try Image8(
            width: shown * (first.width + gap) - gap, height: rows * (first.height + gap) - gap,
            channels: first.channels, filledWith: 255)
        var pixels = sheet.pixels
        let lineSize = first.width * first.channels
        for (index, image) in images.enumerated() {
            let top = index / columns * (first.height + gap)
            let left = index % columns * (first.width + gap)
            for row in 0..<first.height {
                let target = ((top + row) * sheet.width + left) * first.channels
                pixels.replaceSubrange(
                    target..<(target + lineSize), with: image.pixels[row * lineSize..<(row + 1) * lineSize])
            }
        }
        sheet.pixels = pixels
        return sheet
    }

    /// The image as PNG, each pixel a square of as many pixels as make it at least `width` wide: browsers blur what they
    /// enlarge.
    /// - Throws: `ZooError` where it becomes too large.
    public func encodedForPage(width wanted: Int) throws -> [UInt8] {
        try ImageFiles.encodePNG(magnified(by: min(16, max(1, (wanted + width - 1) / width))))
    }
}

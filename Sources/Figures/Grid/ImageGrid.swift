import ImageFiles
import TensorCore

/// Images in rows and columns with a title and captions: samples, reconstructions below originals, latent traversals.
///
/// A line break in a caption begins a new line. A caption that is longer than its place is made smaller, then
/// shortened in its middle; titles, subtitles and footers are wrapped and never shortened.
public struct ImageGrid: Figure {
    /// The images, row by row, each of 1 or 3 channels. Smaller ones are put in the middle of their cell; the last
    /// row may have fewer.
    public var images: [Image8]
    /// Images in a row.
    public var columns: Int
    /// What the figure shows. Empty for none.
    public var title: String
    /// Below the title: model, data set, split. Empty for none.
    public var subtitle: String
    /// Below the images: seed, checkpoint and what else is needed to make the figure again. Empty for none.
    public var footer: String
    /// Left of each row; empty, or one for each of the first rows.
    public var rowCaptions: [String]
    /// Above each column; empty, or one for each of the first columns.
    public var columnCaptions: [String]
    /// Below each image; empty, or one for each of the first images.
    public var imageCaptions: [String]
    /// Rows that belong together, such as 2 for originals and reconstructions; more space is left between groups.
    /// 0 for none.
    public var rowsPerGroup: Int
    /// Units of the figure per image pixel, at least 1. If nil, the largest with which the figure is not larger than `room`
    /// and no image larger than 320; more, up to four thirds of the room's height, where that is narrower than two thirds of
    /// its width: shown on a slide such a figure is as high as it, but with more detail.
    public var scale: Int?
    /// How large the figure should be at most, in units: a slide of 1920 × 1080 unless set.
    public var room = FigureRectangle(x: 0, y: 0, width: 1920, height: 1080)
    /// What grows to the right and upwards, where the grid is a plane with axes: the column captions are then below the
    /// images, like the labels of ticks. nil for a grid without axes.
    public var axes: Axes?
    /// Units of the figure between images. If nil, a sixteenth of an image and at least 4.
    public var gap: Int?

    /// The names of the two axes of a plane.
    public struct Axes: Sendable, Equatable {
        /// Below the images.
        public var xLabel: String
        /// Left of the images, running upwards.
        public var yLabel: String

        public init(xLabel: String, yLabel: String) {
            self.xLabel = xLabel
            self.yLabel = yLabel
        }
    }

    public init(
        images: [Image8], columns: Int, title: String = "", subtitle: String = "", footer: String = "",
        rowCaptions: [String] = [], columnCaptions: [String] = [], imageCaptions: [String] = [],
        rowsPerGroup: Int = 0, scale: Int? = nil, axes: Axes? = nil, gap: Int? = nil
    ) {
        self.images = images
        self.columns = columns
        self.title = title
        self.subtitle = subtitle
        self.footer = footer
        self.rowCaptions = rowCaptions
        self.columnCaptions = columnCaptions
        self.imageCaptions = imageCaptions
        self.rowsPerGroup = rowsPerGroup
        self.scale = scale
        self.axes = axes
        self.gap = gap
    }

    /// The bytes of the figure in `format`.
    /// - Throws: `ZooError` if there is no image, the captions do not match the images, or the figure is too large.
    public func encoded(as format: FigureFormat) throws -> [UInt8] {
        try drawn(for: format).finish()
    }

    /// The figure as an image, RGB: a frame for an `AnimationGIF`.
    /// - Throws: what `encoded(as:)` throws.
    public func rendered() throws -> Image8 {
        try drawn(for: .png).finishImage().converted(toChannels: 3)
    }

    private func drawn(for format: FigureFormat) throws -> Canvas {
        let layout = try ImageGridLayout(self)
        let canvas = try Canvas(width: layout.width, height: layout.height, format: format)
        for (image, origin) in zip(images, layout.imageOrigins) {
            try canvas.image(image, x: origin.x, y: origin.y, scale: layout.scale)
        }
        for text in layout.texts { canvas.draw(text) }
        return canvas
    }

    /// Rows, the last one perhaps not full.
    var rows: Int { (images.count - 1) / columns + 1 }

    func validate() throws {
        guard columns >= 1 else {
            throw ZooError("a grid of images needs at least 1 column, not \(columns)", code: .invalidValue)
        }
        guard !images.isEmpty else {
            throw ZooError(
                "a grid of images has no image to show\(title.isEmpty ? "" : " ('\(title)')")", code: .invalidValue)
        }
        try validate(rowCaptions, atMost: rows, of: "row")
        try validate(columnCaptions, atMost: columns, of: "column")
        try validate(imageCaptions, atMost: images.count, of: "image")
        if let gap, !(0...1000).contains(gap) {
            throw ZooError("images in a grid are from 0 to 1000 apart, not \(gap)", code: .invalidValue)
        }
        if let scale, !(1...Image8.maximumSide).contains(scale) {
            throw ZooError(
                "the scale of a grid of images is from 1 to \(Image8.maximumSide), not \(scale)", code: .invalidValue)
        }
    }

    private func validate(_ captions: [String], atMost count: Int, of subject: String) throws {
        guard captions.count <= count else {
            throw ZooError(
                "a grid of \(images.count) images in \(columns) columns has \(count) \(subject) captions at most, but "
                    + "\(captions.count) were given", code: .limit)
        }
    }
}

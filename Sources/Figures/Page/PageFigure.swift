/// A picture in a page with a caption and a text in its place for those who cannot see it.
public struct PageFigure: Sendable {
    /// The bytes of a picture.
    public struct Picture: Sendable {
        /// How a browser is told what it is.
        public enum Kind: String, Sendable {
            case png = "image/png"
            case svg = "image/svg+xml"
            case gif = "image/gif"
        }

        public var bytes: [UInt8]
        public var kind: Kind

        public init(_ bytes: [UInt8], _ kind: Kind) {
            self.bytes = bytes
            self.kind = kind
        }
    }

    public var picture: Picture
    /// The same for windows that are narrower than 40 em, where the type of a wide figure becomes too small; nil for none.
    public var narrowPicture: Picture?
    /// Says in words what the picture shows.
    public var alternative: String
    /// In bold above the picture. Empty for none.
    public var title: String
    /// Below the picture. Empty for none.
    public var caption: String
    /// Whether it is a drawing on white (curves, bars), whose colours a dark page turns round; images are left as they are.
    public var isDrawing: Bool

    public init(
        _ picture: Picture, narrow: Picture? = nil, alternative: String, title: String = "", caption: String = "",
        isDrawing: Bool = false
    ) {
        self.picture = picture
        narrowPicture = narrow
        self.alternative = alternative
        self.title = title
        self.caption = caption
        self.isDrawing = isDrawing
    }

    /// Curves, drawn for a wide and for a narrow window.
    ///
    /// - Parameter figure: its title becomes the title of the page's figure; its width and height are replaced, the height by one that
    ///   leaves room beside the legend.
    /// - Throws: `ZooError` where there is nothing to draw.
    public init(_ figure: CurveFigure, alternative: String, caption: String = "") throws {
        func drawn(_ width: Int, _ height: Int) throws -> Picture {
            var figure = figure
            figure.title = ""
            figure.width = width
            figure.height = height
            return Picture(try figure.encoded(as: .svg), .svg)
        }
        // A line of the legend has room for two names at least on a wide page, and for one on a narrow one.
        let count = figure.series.count
        self.init(
            try drawn(760, 460 + 12 * max(0, count - 8)), narrow: try drawn(420, 420 + 24 * max(0, count - 6)),
            alternative: alternative, title: figure.title,
            caption: caption, isDrawing: true)
    }
}

/// A colour: red, green and blue from 0 to 1 in sRGB.
public struct FigureColor: Sendable, Equatable {
    public let red: Double
    public let green: Double
    public let blue: Double

    /// The colour written `0xRRGGBB`.
    public init(_ hexadecimal: UInt32) {
        red = Double(hexadecimal >> 16 & 255) / 255
        green = Double(hexadecimal >> 8 & 255) / 255
        blue = Double(hexadecimal & 255) / 255
    }

    public static let white = FigureColor(0xFFFFFF)
    /// Titles.
    public static let ink = FigureColor(0x1A1A1A)
    /// Captions, labels and ticks.
    public static let darkGrey = FigureColor(0x4D4D4D)
    /// Axes and frames.
    public static let middleGrey = FigureColor(0x8C8C8C)
    /// Grid lines.
    public static let lightGrey = FigureColor(0xE2E2E2)

    /// Ten colours, of which people with any of the common colour blindnesses can tell apart as many as possible: the muted
    /// scheme of Tol, "Colour Schemes" (SRON/EPS/TN/09-002, 2021), and black.
    fileprivate static let largePalette: [FigureColor] = [
        FigureColor(0xCC6677), FigureColor(0x332288), FigureColor(0xDDCC77), FigureColor(0x117733),
        FigureColor(0x88CCEE), FigureColor(0x882255), FigureColor(0x44AA99), FigureColor(0x999933),
        FigureColor(0xAA4499), FigureColor(0x000000),
    ]

    /// Colours that people with any of the common colour blindnesses can tell apart on white: those of Okabe and Ito,
    /// "Color Universal Design" (2008), without the yellow, which is too pale for lines.
    public static let palette: [FigureColor] = [
        FigureColor(0x0072B2), FigureColor(0xD55E00), FigureColor(0x009E73), FigureColor(0xCC79A7),
        FigureColor(0xE69F00), FigureColor(0x56B4E9), FigureColor(0x000000),
    ]
}

extension [FigureColor] {
    /// So many colours, or as many as there are, that can be told apart.
    static func distinct(_ count: Int) -> [FigureColor] {
        count <= FigureColor.palette.count ? FigureColor.palette : FigureColor.largePalette
    }
}

/// A sans-serif font of the system.
public struct FigureFont: Sendable, Equatable {
    /// The size of an em in units of the figure.
    public var size: Double
    public var isBold: Bool

    public init(size: Double, isBold: Bool = false) {
        self.size = size
        self.isBold = isBold
    }

    /// From one baseline to the next.
    public var lineHeight: Double { (size * 1.3).rounded(.up) }
    /// From the top of a line to its baseline.
    public var ascent: Double { (size * 0.98).rounded() }

    static let title = FigureFont(size: 28, isBold: true)
    static let subtitle = FigureFont(size: 18)
    static let caption = FigureFont(size: 17)
    static let footer = FigureFont(size: 14)
}

/// Which point of a text is at the given place.
public enum TextAnchor: Sendable {
    case start
    case middle
    case end
}

/// A place in a figure: x to the right, y downwards from the upper left corner.
public struct FigurePoint: Sendable, Equatable {
    public var x: Double
    public var y: Double

    public init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }
}

/// An upright rectangle in a figure.
public struct FigureRectangle: Sendable, Equatable {
    public var x: Double
    public var y: Double
    public var width: Double
    public var height: Double

    public init(x: Double, y: Double, width: Double, height: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    public var maxX: Double { x + width }
    public var maxY: Double { y + height }
}

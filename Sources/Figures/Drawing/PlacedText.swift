/// One line of text with its place in a figure.
package struct PlacedText: Sendable, Equatable {
    package var text: String
    package var font: FigureFont
    package var color: FigureColor
    package var x: Double
    package var baseline: Double
    package var anchor: TextAnchor
    /// The measured width.
    package var width: Double
    /// Whether it runs upwards; `x` is then where its baseline is and `baseline` where its anchor is.
    package var isRisen = false

    /// What the text covers.
    package var bounds: FigureRectangle {
        if isRisen {
            let bottom: Double
            switch anchor {
            case .start: bottom = baseline
            case .middle: bottom = baseline + width / 2
            case .end: bottom = baseline + width
            }
            return FigureRectangle(x: x - font.ascent, y: bottom - width, width: font.lineHeight, height: width)
        }
        let left: Double
        switch anchor {
        case .start: left = x
        case .middle: left = x - width / 2
        case .end: left = x - width
        }
        return FigureRectangle(x: left, y: baseline - font.ascent, width: width, height: font.lineHeight)
    }
}

/// Lines of text below each other.
struct TextBlock {
    private(set) var placed: [PlacedText] = []
    /// Where the next line begins.
    private(set) var bottom: Double

    init(top: Double) {
        bottom = top
    }

    /// Adds lines in one font.
    mutating func add(
        _ lines: [String], font: FigureFont, color: FigureColor, x: Double, anchor: TextAnchor = .start,
        measurer: borrowing TextMeasurer
    ) {
        for line in lines {
            placed.append(
                PlacedText(
                    text: line, font: font, color: color, x: x, baseline: bottom + font.ascent, anchor: anchor,
                    width: measurer.width(of: line, in: font)))
            bottom += font.lineHeight
        }
    }

    /// Adds a line that runs upwards, its middle at the height `middle`, beside what is there.
    mutating func addRisen(
        _ text: String, font: FigureFont, color: FigureColor, x: Double, middle: Double,
        measurer: borrowing TextMeasurer
    ) {
        placed.append(
            PlacedText(
                text: text, font: font, color: color, x: x, baseline: middle, anchor: .middle,
                width: measurer.width(of: text, in: font), isRisen: true))
    }

    /// Adds a title, made smaller if it needs more than two lines, and a subtitle; nothing for empty ones.
    mutating func addHeading(
        title: String, subtitle: String, x: Double, width: Double, measurer: borrowing TextMeasurer
    ) {
        if !title.isEmpty {
            var font = FigureFont.title
            var lines = measurer.lines(of: title, in: font, width: width)
            while lines.count > 2, font.size > 18 {
                font.size -= 2
                lines = measurer.lines(of: title, in: font, width: width)
            }
            add(lines, font: font, color: .ink, x: x, measurer: measurer)
            skip(3)
        }
        if !subtitle.isEmpty {
            let lines = measurer.lines(of: subtitle, in: .subtitle, width: width)
            add(lines, font: .subtitle, color: .darkGrey, x: x, measurer: measurer)
        }
    }

    /// Leaves an empty space.
    mutating func skip(_ height: Double) {
        bottom += height
    }
}

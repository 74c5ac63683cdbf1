import CCairo
import ImageFiles
import TensorCore

/// Measures text before there is a canvas, and makes it fit.
package struct TextMeasurer: ~Copyable {
    private let surface: ImageSurface
    private let context: DrawingContext

    /// - Throws: `ZooError` if memory is short.
    package init() throws {
        let surface = try ImageSurface(format: CAIRO_FORMAT_A8, width: 1, height: 1)
        context = try DrawingContext(surface: surface.handle)
        self.surface = surface
    }

    /// The width of one line of text.
    package func width(of text: String, in font: FigureFont) -> Double {
        context.select(font)
        return context.selectedWidth(of: text)
    }

    /// `text` in lines of at most `width`: broken between words; what no-break spaces join, and then a word, only where it is longer than a
    /// line.
    /// Line breaks in `text` are kept.
    package func lines(of text: String, in font: FigureFont, width: Double) -> [String] {
        context.select(font)
        var lines: [String] = []
        for paragraph in Self.paragraphs(of: text) {
            var line = ""
            for word in paragraph.split(separator: " ", omittingEmptySubsequences: true) {
                let longer = line.isEmpty ? String(word) : line + " " + word
                if context.selectedWidth(of: longer) <= width {
                    line = longer
                    continue
                }
                if !line.isEmpty { lines.append(Self.withoutSeparator(line)) }
                line = String(word)
                while context.selectedWidth(of: line) > width, line.count > 1 {
                    let fitting = longestPrefix(of: line, width: width)
                    if let blank = fitting.lastIndex(of: "\u{A0}"), blank > fitting.startIndex {
                        lines.append(String(fitting[..<blank]))
                        line = String(line.dropFirst(lines[lines.count - 1].count + 1))
                    } else {
                        lines.append(fitting)
                        line = String(line.dropFirst(fitting.count))
                    }
                }
            }
            lines.append(line)
        }
        return lines
    }

    /// A line that goes on below, without the sign that would have stood between its parts.
    private static func withoutSeparator(_ line: String) -> String {
        let isBlank = { (character: Character) in character == " " || character == "\u{A0}" }
        var rest = line[...]
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        guard rest.last == "·" else { return line }
        rest.removeLast()
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return String(rest)
    }

    /// `text` on one line of at most `width`: if it is longer, with "…" in place of its middle.
    package func elided(_ text: String, in font: FigureFont, width: Double) -> String {
        context.select(font)
        let text = Self.printable(text)
        if context.selectedWidth(of: text) <= width { return text }
        let characters = Array(text)
        func shortened(keeping count: Int) -> String {
            String(characters.prefix((count + 1) / 2)) + "…" + String(characters.suffix(count / 2))
        }
        var kept = 0
        var tooMany = characters.count
        while tooMany - kept > 1 {
            let middle = (kept + tooMany) / 2
            if context.selectedWidth(of: shortened(keeping: middle)) <= width {
                kept = middle
            } else {
                tooMany = middle
            }
        }
        return shortened(keeping: kept)
    }

    /// `font`, made smaller in steps of one down to `minimumSize` until all `texts` fit in `width`.
    package func font(_ font: FigureFont, fitting texts: [String], width: Double, minimumSize: Double) -> FigureFont {
        var font = font
        while font.size > minimumSize, texts.contains(where: { self.width(of: $0, in: font) > width }) {
            font.size = max(font.size - 1, minimumSize)
        }
        return font
    }

    /// The lines of `text`, without characters that cannot be drawn.
    static func paragraphs(of text: String) -> [String] {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { printable(String($0)) }
    }

    /// `text` with a space in place of each control character: a zero byte would end the text, others are boxes.
    private static func printable(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            scalars.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return String(scalars)
    }

    private func longestPrefix(of text: String, width: Double) -> String {
        var kept = 1
        var tooMany = text.count
        while tooMany - kept > 1 {
            let middle = (kept + tooMany) / 2
            if context.selectedWidth(of: String(text.prefix(middle))) <= width {
                kept = middle
            } else {
                tooMany = middle
            }
        }
        return String(text.prefix(kept))
    }
}

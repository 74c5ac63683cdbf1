import Foundation

/// Writes a page as HTML that is well-formed XML.
struct PageWriter {
    private(set) var text = ""

    mutating func write(_ page: Page) {
        // The policy also keeps a text that escaping might have missed from doing anything.
        text += """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8"/>
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="color-scheme" content="light dark"/>
            <title>\(Self.escaped(page.title))</title>
            <style>
            \(PageStyle.sheet)
            </style>
            </head>
            <body>
            <main>
            <header>
            <h1>\(Self.escaped(page.title))</h1>

            """
        if !page.subtitle.isEmpty { text += "<p class=\"subtitle\">\(Self.escaped(page.subtitle))</p>\n" }
        text += "</header>\n"
        for section in page.sections {
            text += "<section>\n<h2>\(Self.escaped(section.title))</h2>\n"
            for block in section.blocks { write(block) }
            text += "</section>\n"
        }
        if !page.footer.isEmpty { text += "<footer>\(Self.escaped(page.footer))</footer>\n" }
        text += "</main>\n</body>\n</html>\n"
    }

    private mutating func write(_ block: PageBlock) {
        switch block {
        case .paragraph(let paragraph): text += "<p>\(Self.escaped(paragraph))</p>\n"
        case .note(let note): text += "<p class=\"note\">\(Self.escaped(note))</p>\n"
        case .list(let items):
            guard !items.isEmpty else { return }
            text += "<ul>\n" + items.map { "<li>\(Self.escaped($0))</li>\n" }.joined() + "</ul>\n"
        case .table(let table): write(table)
        case .figure(let figure): write(figure)
        case .gallery(let figures):
            guard !figures.isEmpty else { return }
            text += "<div class=\"gallery\">\n"
            for figure in figures { write(figure) }
            text += "</div>\n"
        case .code(let code):
            // Wide lines scroll, and whoever uses no mouse must be able to get there.
            text += "<pre tabindex=\"0\"><code>\(Self.escaped(code))</code></pre>\n"
        }
    }

    private mutating func write(_ table: PageTable) {
        text += "<div class=\"table\" tabindex=\"0\">\n<table>\n"
        if !table.caption.isEmpty { text += "<caption>\(Self.escaped(table.caption))</caption>\n" }
        func mark(_ column: Int) -> String { table.columns[column].isNumber ? " class=\"number\"" : "" }
        text += "<thead><tr>"
        for (index, column) in table.columns.enumerated() {
            text += "<th scope=\"col\"\(mark(index))>\(Self.escaped(column.title))</th>"
        }
        text += "</tr></thead>\n<tbody>\n"
        for row in table.rows {
            text += "<tr>"
            for (index, cell) in row.prefix(table.columns.count).enumerated() {
                let tag = index == 0 ? "th scope=\"row\"" : "td"
                text += "<\(tag)\(mark(index))>\(Self.escaped(cell))</\(index == 0 ? "th" : "td")>"
            }
            text += "</tr>\n"
        }
        text += "</tbody>\n</table>\n</div>\n"
    }

    private mutating func write(_ figure: PageFigure) {
        text += "<figure>\n"
        if !figure.title.isEmpty { text += "<p class=\"title\">\(Self.escaped(figure.title))</p>\n" }
        let image =
            "<img\(figure.isDrawing ? " class=\"drawing\"" : "") alt=\"\(Self.escaped(figure.alternative))\" "
            + "src=\"\(Self.address(figure.picture))\"/>"
        if let narrow = figure.narrowPicture {
            text += "<picture><source media=\"screen and (max-width: 40em)\" srcset=\"\(Self.address(narrow))\"/>"
            text += "\(image)</picture>\n"
        } else {
            text += image + "\n"
        }
        if !figure.caption.isEmpty { text += "<figcaption>\(Self.escaped(figure.caption))</figcaption>\n" }
        text += "</figure>\n"
    }

    private static func address(_ picture: PageFigure.Picture) -> String {
        "data:\(picture.kind.rawValue);base64,\(Data(picture.bytes).base64EncodedString())"
    }

    /// A text as it may stand between tags and in quotes.
    ///
    /// Control characters, which XML 1.0 (section 2.2) does not allow, and those that turn the direction of what follows
    /// (Unicode Standard Annex 9) become the replacement character.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\n", "\t": escaped.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}",
                "\u{FFFE}", "\u{FFFF}":
                escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

import Figures
import Foundation
import FoundationXML
import Testing

/// The text of a page: escaped, well formed, with everything in it.
@Suite struct PageTests {
    private static let hostile = "</title><script>alert('1')</script>\" onload=\"x\" &amp; \u{202E}\u{1}]]>"

    /// A page that has a hostile text in every place for text.
    private func page(_ text: String) throws -> Page {
        let picture = PageFigure.Picture([0x89, 0x50, 0x4E, 0x47], .png)
        let curves = CurveFigure(
            title: text, xLabel: text, yLabel: text, series: [CurveFigure.Series(name: text, values: [3, 2, 1])])
        return Page(
            title: text, subtitle: text,
            sections: [
                PageSection(
                    text,
                    [
                        .paragraph(text), .note(text), .list([text, text]), .code(text),
                        .table(
                            PageTable(
                                caption: text, columns: [.init(text), .init(text, isNumber: true)],
                                rows: [[text, text]])),
                        .figure(PageFigure(picture, narrow: picture, alternative: text, title: text, caption: text)),
                        .gallery([try PageFigure(curves, alternative: text, caption: text)]),
                    ])
            ], footer: text)
    }

    @Test(arguments: [1, 9, 24, 60]) func manyCurvesWithLongNamesHaveRoom(count: Int) throws {
        let series = (0..<count).map {
            CurveFigure.Series(name: "beta-vae-sprites, β = 4, seed \($0)", values: [3, 2, 1])
        }
        let figure = try PageFigure(
            CurveFigure(title: "Loss", xLabel: "step", yLabel: "nats per image", series: series), alternative: "Curves")
        #expect(!figure.picture.bytes.isEmpty && figure.narrowPicture?.bytes.isEmpty == false)
    }

    @Test func hostileTextsStayTexts() throws {
        let html = try page(Self.hostile).html
        #expect(!html.contains("<script"))
        #expect(!html.contains("onload=\""))
        #expect(!html.contains("\u{202E}") && !html.contains("\u{1}"))
        let reader = Collector()
        let parser = XMLParser(data: Data(html.utf8))
        parser.delegate = reader
        #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
        // What arrives is the text itself, apart from the characters that no page may hold.
        let expected = Self.hostile.replacingOccurrences(of: "\u{202E}", with: "\u{FFFD}")
            .replacingOccurrences(of: "\u{1}", with: "\u{FFFD}")
        #expect(reader.texts["h1"] == [expected])
        #expect(reader.texts["title"] == [expected])
        #expect(reader.texts["td"] == [expected] && reader.texts["th"]?.count == 3)
        #expect(reader.alternatives == [expected, expected])
        #expect(Set(reader.texts.keys).isSubset(of: Self.elements), "\(reader.texts.keys)")
    }

    private static let elements: Set<String> = [
        "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "p", "section", "ul", "li",
        "pre",
        "code", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "picture",
        "source",
        "img", "footer",
    ]

    @Test func nothingIsFetched() throws {
        let html = try page("plain").html
        for word in ["http://", "https://", "url(", "@import", "<link", "<script", "<iframe"] {
            #expect(!html.contains(word), "\(word)")
        }
        let addresses =
            html.components(separatedBy: "src=\"").dropFirst() + html.components(separatedBy: "srcset=\"").dropFirst()
        #expect(addresses.count == 4 && addresses.allSatisfy { $0.hasPrefix("data:image/") })
    }

    @Test(arguments: [0, 1, 2, 3, 4, 255, 256])
    func picturesAreBase64(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 250) }
        let figure = PageFigure(.init(bytes, .gif), alternative: "numbers")
        let html = Page(title: "t", sections: [PageSection("s", [.figure(figure)])]).html
        let text = try #require(
            html.components(separatedBy: "data:image/gif;base64,").last?.components(separatedBy: "\"").first)
        #expect(Data(base64Encoded: text) == Data(bytes))
    }

    @Test func aPageEndsInHTML() {
        #expect(throws: (any Error).self) { try Page(title: "t").write(to: "/tmp/page.png") }
    }

    /// The texts of each element by its name, and the texts in place of pictures.
    private final class Collector: NSObject, XMLParserDelegate {
        var texts: [String: [String]] = [:]
        var alternatives: [String] = []
        private var open: [(name: String, text: String)] = []

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            open.append((name, ""))
            if let alternative = attributes["alt"] { alternatives.append(alternative) }
        }

        func parser(_ parser: XMLParser, foundCharacters text: String) {
            if !open.isEmpty { open[open.count - 1].text += text }
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) {
            guard let element = open.popLast() else { return }
            texts[element.name, default: []].append(element.text)
        }
    }
}

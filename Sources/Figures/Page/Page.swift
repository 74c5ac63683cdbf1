import FileSupport
import TensorCore

/// A page to read and to print: one HTML file with everything in it.
///
/// It needs no network and runs no scripts, which its content security policy also forbids; it follows the reader's choice
/// of a light or dark appearance and the width of the window. Every text is escaped, so names from files may hold anything.
/// It is well-formed XML as well.
public struct Page: Sendable {
    /// What the page is about; also the name of the window.
    public var title: String
    /// Below the title: what was done. Empty for none.
    public var subtitle: String
    public var sections: [PageSection]
    /// At the end, in small type: the tool and its version. Empty for none.
    public var footer: String

    public init(title: String, subtitle: String = "", sections: [PageSection] = [], footer: String = "") {
        self.title = title
        self.subtitle = subtitle
        self.sections = sections
        self.footer = footer
    }

    /// The page as HTML.
    public var html: String {
        var writer = PageWriter()
        writer.write(self)
        return writer.text
    }

    /// Writes the page to a file that ends in `.html` or `.htm`.
    /// - Throws: `ZooError` for another extension (kind `usage`) and where the file cannot be written.
    public func write(to path: String) throws {
        guard Self.isPage(path) else {
            throw ZooError("a page is written as .html, not as '\(path)'", kind: .usage)
        }
        try AtomicFile.write(Array(html.utf8), to: path)
    }

    /// Whether the extension of `path` names a page.
    public static func isPage(_ path: String) -> Bool {
        let name = path.lowercased()
        return name.hasSuffix(".html") || name.hasSuffix(".htm")
    }
}

/// A part of a page under a heading.
public struct PageSection: Sendable {
    public var title: String
    public var blocks: [PageBlock]

    public init(_ title: String, _ blocks: [PageBlock] = []) {
        self.title = title
        self.blocks = blocks
    }
}

/// What a section is made of, from top to bottom.
public enum PageBlock: Sendable {
    case paragraph(String)
    /// A paragraph that the reader should not miss.
    case note(String)
    case list([String])
    case table(PageTable)
    case figure(PageFigure)
    /// Figures beside each other, as many as the window has room for.
    case gallery([PageFigure])
    /// Lines to copy: commands, definitions.
    case code(String)
}

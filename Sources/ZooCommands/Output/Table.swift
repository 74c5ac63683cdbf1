/// Columns of text for people.
struct Table {
    enum Alignment {
        case left
        case right
    }

    private let headings: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []

    init(_ headings: [(String, Alignment)]) {
        self.headings = headings.map { (title: $0.0, alignment: $0.1) }
    }

    mutating func add(_ cells: [String]) {
        rows.append(cells.map { $0.printable() })
    }

    /// The table's lines, headings first, cut to the terminal's width where standard output is one.
    var fittedLines: [String] {
        guard Console.outputIsTerminal else { return lines }
        let width = Console.width
        return lines.map { $0.count > width ? $0.prefix(width - 1) + "…" : $0 }
    }

    /// The table's lines, headings first.
    var lines: [String] {
        let widths = headings.indices.map { column in
            ([headings[column].title] + rows.map { $0[column] }).map(\.count).max() ?? 0
        }
        return ([headings.map(\.title)] + rows).map { cells in
            let padded = cells.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: max(0, widths[column] - cell.count))
                return headings[column].alignment == .left ? cell + padding : padding + cell
            }
            let line = padded.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}

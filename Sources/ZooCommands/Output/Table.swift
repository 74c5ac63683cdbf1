import TensorCore
import TextSupport

/// Columns of text for people.
struct Table {
    enum Alignment {
        case left
        case right
    }

    private let headings: [(title: String, alignment: Alignment)]
    /// Titles of columns in the order in which they are left out where there is no room.
    private let dropping: [String]
    private var rows: [[String]] = []

    /// - Parameter dropping: titles of columns in the order in which they are left out where there is no room; then the
    ///   others, the last first. The first column always stays.
    init(_ headings: [(String, Alignment)], dropping: [String] = []) {
        self.headings = headings.map { (title: $0.0, alignment: $0.1) }
        self.dropping = dropping
    }

    mutating func add(_ cells: [String]) {
        rows.append(cells.map { $0.printable() })
    }

    /// The table's lines, headings first, in the terminal's width where standard output is one.
    var fittedLines: [String] { Console.outputIsTerminal ? lines(width: Console.width) : lines }

    /// The table's lines, headings first.
    var lines: [String] { lines(headings.indices.map { $0 }, widths: headings.indices.map(width)) }

    /// The lines in so many columns of a terminal. Words of the last column are cut, then whole columns are left out, and a
    /// last line names them: half a number would be another number.
    func lines(width limit: Int) -> [String] {
        var shown = Array(headings.indices)
        var dropped: [String] = []
        let order = dropping.compactMap { title in headings.firstIndex { $0.title == title } }
        let others = headings.indices.dropFirst().reversed().filter { !order.contains($0) }
        var candidates = (order + others)[...]
        while true {
            let widths = shown.map(width)
            let total = widths.reduce(0, +) + 2 * (shown.count - 1)
            if total <= limit { return lines(shown, widths: widths) + note(dropped) }
            if let last = shown.last, headings[last].alignment == .left, shown.count > 1 {
                let room = widths[shown.count - 1] - (total - limit)
                if room >= max(16, headings[last].title.count) {
                    return lines(shown, widths: widths.dropLast() + [room]) + note(dropped)
                }
            }
            // A name that is cut says more than a table of names.
            let room = limit - 2 - (widths.last ?? 0)
            if shown.count == 2, headings[0].alignment == .left, headings[shown[1]].alignment == .right, room >= 4 {
                return lines(shown, widths: [room, widths[1]]) + note(dropped)
            }
            guard let next = candidates.popFirst(), shown.count > 1 else { break }
            shown.removeAll { $0 == next }
            dropped.append(headings[next].title)
        }
        return lines(shown, widths: [max(1, limit)]) + note(dropped)
    }

    private func note(_ dropped: [String]) -> [String] {
        let named = dropped.filter { !$0.isEmpty }
        return named.isEmpty ? [] : ["(no room for \(named.joined(separator: ", ")))"]
    }

    /// What a column needs.
    private func width(_ column: Int) -> Int {
        ([headings[column].title] + rows.map { $0[column] }).map(\.count).max() ?? 0
    }

    /// - Parameter widths: of each column; what is longer is cut.
    private func lines(_ columns: [Int], widths: [Int]) -> [String] {
        ([headings.map(\.title)] + rows).map { cells in
            let padded = zip(columns, widths).map { column, width in
                let cell = cells[column].count > width ? cells[column].prefix(width - 1) + "…" : cells[column]
                let padding = String(repeating: " ", count: width - cell.count)
                return headings[column].alignment == .left ? cell + padding : padding + cell
            }
            let line = padded.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}

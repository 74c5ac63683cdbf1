import Figures

extension Table {
    /// The table of a page for a terminal, without its caption.
    init(_ table: PageTable) {
        self.init(table.columns.map { ($0.title.uppercased(), $0.isNumber ? .right : .left) })
        for row in table.rows { add(row) }
    }
}

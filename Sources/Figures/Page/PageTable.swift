/// A table of texts with headings.
public struct PageTable: Sendable {
    public struct Column: Sendable {
        public var title: String
        /// Numbers are set to the right with digits of one width.
        public var isNumber: Bool

        public init(_ title: String, isNumber: Bool = false) {
            self.title = title
            self.isNumber = isNumber
        }
    }

    /// What the table shows; above it. Empty for none.
    public var caption: String
    public var columns: [Column]
    /// The cells of each row, as many as there are columns; the first names the row.
    public var rows: [[String]]

    public init(caption: String = "", columns: [Column], rows: [[String]] = []) {
        self.caption = caption
        self.columns = columns
        self.rows = rows
    }
}

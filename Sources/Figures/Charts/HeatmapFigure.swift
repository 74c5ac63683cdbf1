import TensorCore

/// A matrix of numbers as coloured cells with names for rows and columns: correlations, mutual information.
public struct HeatmapFigure: Figure, Equatable {
    /// Which numbers the colours stand for.
    public enum Scale: Sendable, Equatable {
        /// From white at 0 to blue at this.
        case sequential(Double)
        /// From vermilion at minus this over white at 0 to blue at this.
        case diverging(Double)
    }

    public var rowNames: [String]
    public var columnNames: [String]
    /// A row of as many values as there are columns for each row name; nil leaves a cell grey.
    public var rows: [[Double?]]
    public var scale: Scale
    /// Above the cells; nil for none.
    public var title: String?
    /// Below the title; nil for none.
    public var subtitle: String?
    /// Most units of the figure's width.
    public var width: Int

    public init(
        rowNames: [String], columnNames: [String], rows: [[Double?]], scale: Scale, title: String? = nil,
        subtitle: String? = nil, width: Int = 760
    ) {
        self.rowNames = rowNames
        self.columnNames = columnNames
        self.rows = rows
        self.scale = scale
        self.title = title
        self.subtitle = subtitle
        self.width = width
    }

    /// The bytes of the figure in `format`.
    /// - Throws: `ZooError` if names and values do not fit together, or there are more cells than can be seen.
    public func encoded(as format: FigureFormat) throws -> [UInt8] {
        guard !rows.isEmpty, !columnNames.isEmpty, rows.count == rowNames.count,
            rows.allSatisfy({ $0.count == columnNames.count }), (320...20_000).contains(width)
        else {
            throw ZooError(
                "a heat map of \(rowNames.count) × \(columnNames.count) names and \(rows.count) rows cannot be drawn",
                code: .invalidValue)
        }
        let measurer = try TextMeasurer()
        let font = FigureFont.footer
        let names = rowNames.map { measurer.elided($0, in: font, width: 200) }
        let left = (names.map { measurer.width(of: $0, in: font) }.max() ?? 0) + 14
        let cell = min(56, ((Double(width) - left - 12) / Double(columnNames.count)).rounded(.down))
        guard cell >= 3, Double(rows.count) * cell < 19_000 else {
            throw ZooError("\(rows.count) × \(columnNames.count) cells are more than a heat map can show", code: .limit)
        }
        let height = min(cell, 34)
        let columns = columnNames.map { measurer.elided($0, in: font, width: 120) }
        let widest = columns.map { measurer.width(of: $0, in: font) }.max() ?? 0
        let isRisen = widest > cell - 4
        let heading = [
            title.map { ($0, FigureFont(size: 17, isBold: true), FigureColor.ink) },
            subtitle.map { ($0, font, .darkGrey) },
        ]
        .compactMap(\.self)
        let headingHeight = heading.reduce(0) { $0 + $1.1.lineHeight } + (heading.isEmpty ? 0 : 18)
        let top = (isRisen ? widest : font.lineHeight) + 14 + headingHeight
        let headingWidth = heading.map { measurer.width(of: $0.0, in: $0.1) + 24 }.max() ?? 0
        let canvas = try Canvas(
            width: Int(max(left + cell * Double(columns.count) + 12, min(headingWidth, Double(width)))),
            height: Int(top + height * Double(rows.count) + 10),
            format: format)
        let small = FigureFont(size: 12)
        let areWhole = rows.joined().allSatisfy { $0.map { $0 == $0.rounded() } ?? true }
        var baseline = 6.0
        for (text, headingFont, color) in heading {
            baseline += headingFont.lineHeight
            canvas.text(
                measurer.elided(text, in: headingFont, width: Double(width) - 24), at: FigurePoint(x: 12, y: baseline),
                font: headingFont, color: color, anchor: .start)
        }
        for (column, name) in columns.enumerated() where cell >= 12 || column % Int((14 / cell).rounded(.up)) == 0 {
            let x = left + (Double(column) + 0.5) * cell
            canvas.text(
                name, at: FigurePoint(x: isRisen ? x + 4 : x, y: top - 6), font: font, color: .darkGrey,
                anchor: isRisen ? .start : .middle, isRisen: isRisen)
        }
        for (row, values) in rows.enumerated() {
            let y = top + Double(row) * height
            if height >= 12 || row % Int((14 / height).rounded(.up)) == 0 {
                canvas.text(
                    names[row], at: FigurePoint(x: left - 8, y: y + height / 2 + 4), font: font, color: .darkGrey,
                    anchor: .end)
            }
            for (column, value) in values.enumerated() {
                let x = left + Double(column) * cell
                let (color, isDark) = color(of: value)
                let gap = cell >= 12 ? 1.0 : 0
                canvas.fill(FigureRectangle(x: x, y: y, width: cell - gap, height: height - gap), color: color)
                guard cell >= 36, height >= 16, let value, value.isFinite else { continue }
                canvas.text(
                    Self.label(value, isWhole: areWhole), at: FigurePoint(x: x + cell / 2, y: y + height / 2 + 4),
                    font: small,
                    color: isDark ? .white : .ink, anchor: .middle)
            }
        }
        return try canvas.finish()
    }

    /// The colour of a cell, and whether white reads better on it.
    private func color(of value: Double?) -> (color: FigureColor, isDark: Bool) {
        guard let value, value.isFinite else { return (.lightGrey, false) }
        let (limit, isSigned): (Double, Bool) =
            switch scale {
            case .sequential(let limit): (limit, false)
            case .diverging(let limit): (limit, true)
            }
        let share = limit > 0 ? min(1, max(isSigned ? -1 : 0, value / limit)) : 0
        let full = share < 0 ? FigureColor.palette[1] : FigureColor.palette[0]
        return (FigureColor.white.mixed(with: full, share: abs(share)), abs(share) > 0.6)
    }

    /// Two decimals, or none of a number of things.
    private static func label(_ value: Double, isWhole: Bool) -> String {
        guard abs(value) < 1e6 else { return "…" }
        if isWhole { return "\(value < 0 ? "−" : "")\(Int(abs(value)))" }
        let hundredths = Int((abs(value) * 100).rounded())
        let digits = hundredths % 100
        return "\(value < 0 && hundredths > 0 ? "−" : "")\(hundredths / 100).\(digits < 10 ? "0" : "")\(digits)"
    }
}

extension FigureColor {
    /// This colour with a share, 0 to 1, of another.
    func mixed(with other: FigureColor, share: Double) -> FigureColor {
        FigureColor(
            red: red + (other.red - red) * share, green: green + (other.green - green) * share,
            blue: blue + (other.blue - blue) * share)
    }

    private init(red: Double, green: Double, blue: Double) {
        self.red = red
        self.green = green
        self.blue = blue
    }
}

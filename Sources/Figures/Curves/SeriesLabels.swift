/// The names of series in a figure, each in the middle of its points or, where that is taken, as near as it can be read.
enum SeriesLabels {
    /// The name of a series.
    struct Label {
        let seriesIndex: Int
        /// The middle of its points.
        let anchor: FigurePoint
        var text: PlacedText

        /// Whether the text is so far from its anchor that a line must lead there.
        var isMoved: Bool { !text.bounds.contains(anchor) }
    }

    static let font = FigureFont(size: 22, isBold: true)
    /// Empty space between two names.
    private static let gap = 3.0

    /// The names of the series of `figure` that have one, inside `plot`.
    static func placed(
        _ figure: CurveFigure, in plot: FigureRectangle, place: (CurveFigure.Point) -> FigurePoint,
        measurer: borrowing TextMeasurer
    ) -> [Label] {
        var labels: [Label] = []
        for (index, series) in figure.series.enumerated() where !series.label.isEmpty {
            let points = series.points.filter(figure.isDrawable)
            guard !points.isEmpty else { continue }
            let anchor = place(
                CurveFigure.Point(
                    x: points.reduce(0) { $0 + $1.x } / Double(points.count),
                    y: points.reduce(0) { $0 + $1.y } / Double(points.count)))
            let text = measurer.elided(series.label, in: font, width: plot.width / 3)
            labels.append(
                Label(
                    seriesIndex: index, anchor: anchor,
                    text: PlacedText(
                        text: text, font: font, color: .ink, x: anchor.x,
                        baseline: anchor.y + (font.size * 0.36).rounded(), anchor: .middle,
                        width: measurer.width(of: text, in: font))))
        }
        separate(&labels, in: plot)
        return labels
    }

    /// Moves names apart that cover each other: each pair by as little as it takes, until none does.
    private static func separate(_ labels: inout [Label], in plot: FigureRectangle) {
        for index in labels.indices { labels[index].text.move(into: plot) }
        for _ in 0..<400 {
            var isDone = true
            for first in labels.indices {
                for second in labels.indices[(first + 1)...] {
                    let (a, b) = (labels[first].text.bounds, labels[second].text.bounds)
                    let across = min(a.maxX, b.maxX) - max(a.x, b.x) + gap
                    let down = min(a.maxY, b.maxY) - max(a.y, b.y) + gap
                    // What is left when both are at an edge is too little to see.
                    guard across > 0.5, down > 0.5 else { continue }
                    isDone = false
                    if down <= across {
                        let direction: Double = a.y <= b.y ? 0.5 : -0.5
                        labels[first].text.baseline -= direction * down
                        labels[second].text.baseline += direction * down
                    } else {
                        let direction: Double = a.x <= b.x ? 0.5 : -0.5
                        labels[first].text.x -= direction * across
                        labels[second].text.x += direction * across
                    }
                    labels[first].text.move(into: plot)
                    labels[second].text.move(into: plot)
                }
            }
            if isDone { return }
        }
    }
}

extension PlacedText {
    /// Moves the text by as little as it takes to lie inside `area`.
    fileprivate mutating func move(into area: FigureRectangle) {
        let bounds = bounds
        x += max(0, area.x - bounds.x) - max(0, bounds.maxX - area.maxX)
        baseline += max(0, area.y - bounds.y) - max(0, bounds.maxY - area.maxY)
    }
}

extension FigureRectangle {
    fileprivate func contains(_ point: FigurePoint) -> Bool {
        point.x >= x && point.x <= maxX && point.y >= y && point.y <= maxY
    }
}

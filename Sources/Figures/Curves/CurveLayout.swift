import Glibc
import TensorCore

/// Where everything in a figure of curves is.
package struct CurveLayout {
    /// A name in the legend with its short line.
    package struct LegendEntry {
        let seriesIndex: Int
        let sampleX: Double
        package let text: PlacedText
    }

    static let tickFont = FigureFont(size: 15)
    static let labelFont = FigureFont(size: 16)
    static let legendSampleWidth = 32.0

    /// Inside the axes.
    package private(set) var plot: FigureRectangle
    private(set) var xRange: ClosedRange<Double>
    private(set) var yRange: ClosedRange<Double>
    package private(set) var xTicks: AxisTicks
    package private(set) var yTicks: AxisTicks
    package private(set) var legend: [LegendEntry] = []
    package private(set) var texts: [PlacedText]
    private(set) var seriesLabels: [SeriesLabels.Label] = []
    private(set) var yLabel: String
    private(set) var yLabelX: Double

    private let isLogarithmic: Bool
    private static let margin = 32.0

    /// - Throws: `ZooError` if the figure has nothing to draw.
    package init(_ figure: CurveFigure) throws {
        try figure.validate()
        let measurer = try TextMeasurer()
        isLogarithmic = figure.isLogarithmic
        let contentWidth = Double(figure.width) - 2 * Self.margin

        var heading = TextBlock(top: Self.margin)
        heading.addHeading(
            title: figure.title, subtitle: figure.subtitle, x: Self.margin, width: contentWidth, measurer: measurer)
        if !heading.placed.isEmpty { heading.skip(12) }
        texts = heading.placed
        var top = heading.bottom
        legend = Self.legend(of: figure, top: &top, width: contentWidth, measurer: measurer)

        // From below: the footer, the label of x, the labels of its ticks.
        var footer = TextBlock(top: 0)
        for text in [figure.footer, Self.leftOutNote(figure)] where !text.isEmpty {
            let lines = measurer.lines(of: text, in: .footer, width: contentWidth)
            footer.add(lines, font: .footer, color: .darkGrey, x: Self.margin, measurer: measurer)
        }
        var bottom = Double(figure.height) - Self.margin - footer.bottom
        texts += footer.placed.map { text in
            var text = text
            text.baseline += bottom
            return text
        }
        if footer.bottom > 0 { bottom -= 12 }
        let xLabel = measurer.elided(figure.xLabel, in: Self.labelFont, width: contentWidth)
        let hasXLabel = !xLabel.isEmpty
        if hasXLabel { bottom -= Self.labelFont.lineHeight + 4 }
        let xLabelTop = bottom + 4
        bottom -= Self.tickFont.lineHeight + 6
        guard bottom - top >= 60 else {
            throw ZooError(
                "a figure of \(figure.width) x \(figure.height) pixels has no room for curves between its texts",
                advice: "make the figure higher or its title, legend and footer shorter", code: .invalidValue)
        }

        // The marks' labels are above the axes.
        if !figure.marks.isEmpty { top += Self.tickFont.lineHeight }
        let points = figure.series.flatMap { $0.points.filter(figure.isDrawable) }
        let yTickCount = max(3, Int((bottom - top) / 56))
        yRange = Self.yRange(of: points, isLogarithmic: isLogarithmic, tickCount: yTickCount)
        yTicks =
            isLogarithmic
            ? .logarithmic(in: yRange, atMost: yTickCount) : .linear(in: yRange, atMost: yTickCount + 1)

        let tickWidth = yTicks.ticks.map { measurer.width(of: $0.label, in: Self.tickFont) }.max() ?? 0
        yLabel = measurer.elided(figure.yLabel, in: Self.labelFont, width: bottom - top)
        yLabelX = Self.margin + Self.labelFont.ascent
        let left = (Self.margin + (yLabel.isEmpty ? 0 : Self.labelFont.lineHeight + 6) + tickWidth + 8).rounded(.up)
        plot = FigureRectangle(
            x: left, y: top.rounded(.up), width: Double(figure.width) - Self.margin - 8 - left,
            height: bottom.rounded(.down) - top.rounded(.up))

        let xs = points.map(\.x) + figure.marks.map(\.x).filter { abs($0) < 1e150 }
        xRange = Self.range(of: xs)
        let isWhole = xs.allSatisfy { $0 == $0.rounded() }
        var xTickCount = max(3, Int(plot.width / 90))
        xTicks = .linear(in: xRange, atMost: xTickCount, isWhole: isWhole)
        while xTickCount > 2, Self.isCrowded(xTicks, width: plot.width, measurer: measurer) {
            xTickCount -= 1
            xTicks = .linear(in: xRange, atMost: xTickCount, isWhole: isWhole)
        }
        texts += figure.marks.filter { abs($0.x) < 1e150 }.map { mark in
            let text = measurer.elided(mark.label, in: Self.tickFont, width: plot.width / 2)
            let x = placeX(mark.x).rounded()
            return PlacedText(
                text: text, font: Self.tickFont, color: .darkGrey, x: x, baseline: plot.y - 6,
                anchor: x > plot.x + plot.width / 2 ? .end : .start, width: measurer.width(of: text, in: Self.tickFont))
        }
        if hasXLabel {
            var label = TextBlock(top: xLabelTop)
            label.add(
                [xLabel], font: Self.labelFont, color: .darkGrey, x: plot.x + plot.width / 2, anchor: .middle,
                measurer: measurer)
            texts += label.placed
        }
        let placed = SeriesLabels.placed(figure, in: plot, place: { place($0) }, measurer: measurer)
        seriesLabels = placed
    }

    /// The place of a point that can be drawn.
    package func place(_ point: CurveFigure.Point) -> FigurePoint {
        FigurePoint(x: placeX(point.x), y: placeY(point.y))
    }

    func placeX(_ x: Double) -> Double {
        plot.x + (x - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound) * plot.width
    }

    func placeY(_ y: Double) -> Double {
        let share: Double
        if isLogarithmic {
            let lower = log10(yRange.lowerBound)
            share = (log10(y) - lower) / (log10(yRange.upperBound) - lower)
        } else {
            share = (y - yRange.lowerBound) / (yRange.upperBound - yRange.lowerBound)
        }
        return plot.maxY - share * plot.height
    }

    private static func legend(
        of figure: CurveFigure, top: inout Double, width: Double, measurer: borrowing TextMeasurer
    ) -> [LegendEntry] {
        var entries: [LegendEntry] = []
        var x = margin
        let indent = legendSampleWidth + 8
        for (index, series) in figure.series.enumerated() where !series.name.isEmpty {
            let name = measurer.elided(series.name, in: .caption, width: width - indent)
            let nameWidth = measurer.width(of: name, in: .caption)
            if x > margin, x + indent + nameWidth > margin + width {
                x = margin
                top += FigureFont.caption.lineHeight + 2
            }
            let text = PlacedText(
                text: name, font: .caption, color: .darkGrey, x: x + indent, baseline: top + FigureFont.caption.ascent,
                anchor: .start, width: nameWidth)
            entries.append(LegendEntry(seriesIndex: index, sampleX: x, text: text))
            x += indent + nameWidth + 28
        }
        if !entries.isEmpty { top += FigureFont.caption.lineHeight + 12 }
        return entries
    }

    /// Says how many points are not drawn; empty if all are.
    private static func leftOutNote(_ figure: CurveFigure) -> String {
        let count = figure.series.reduce(0) { $0 + $1.points.count { !figure.isDrawable($0) } }
        if count == 0 { return "" }
        return "Not drawn: \(count) \(count == 1 ? "value that is" : "values that are") not "
            + (figure.isLogarithmic ? "finite and above 0." : "finite.")
    }

    /// The range of `values`, widened if they are all the same.
    private static func range(of values: [Double]) -> ClosedRange<Double> {
        let lower = values.min() ?? 0
        let upper = values.max() ?? 1
        // Closer values than this have no different ticks in double precision.
        let largest = max(abs(lower), abs(upper))
        let smallest = max(largest * 1e-12, 1e-200)
        if upper - lower > smallest { return lower...upper }
        let half = largest < 1e-150 ? 0.5 : min(abs(lower) * 0.1, 0.5)
        return (lower - half)...(upper + half)
    }

    private static func yRange(
        of points: [CurveFigure.Point], isLogarithmic: Bool, tickCount: Int
    ) -> ClosedRange<Double> {
        let range = range(of: points.map(\.y))
        guard isLogarithmic else { return AxisTicks.widened(range, atMost: tickCount) }
        let lower = log10(range.lowerBound)
        let upper = log10(range.upperBound)
        let space = max((upper - lower) * 0.04, 0.01)
        return (range.lowerBound * pow(10, -space))...(range.upperBound * pow(10, space))
    }

    private static func isCrowded(
        _ ticks: AxisTicks, width: Double, measurer: borrowing TextMeasurer
    ) -> Bool {
        let labels = ticks.ticks.reduce(0) { $0 + measurer.width(of: $1.label, in: tickFont) + 24 }
        return labels > width
    }
}

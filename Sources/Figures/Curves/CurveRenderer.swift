/// Draws a figure of curves.
struct CurveRenderer {
    let figure: CurveFigure
    let layout: CurveLayout

    private static let curveWidth = 2.5
    private let colors: [FigureColor]
    /// Beyond the colours, curves are told apart by dashes too.
    private static let dashes: [[Double]] = [[], [9, 5], [2.5, 4], [12, 4, 2.5, 4]]

    init(figure: CurveFigure, layout: CurveLayout) {
        self.figure = figure
        self.layout = layout
        colors = .distinct((figure.series.enumerated().map { $1.styleIndex ?? $0 }.max() ?? 0) + 1)
    }

    func draw(on canvas: borrowing Canvas) {
        drawAxes(on: canvas)
        drawMarks(on: canvas)
        for (index, series) in figure.series.enumerated() {
            switch series.style {
            case .line: drawCurve(index, on: canvas)
            case .scatter: drawPoints(index, on: canvas)
            }
        }
        drawLabels(on: canvas)
        for entry in layout.legend {
            let y = entry.text.baseline - entry.text.font.size * 0.34
            if figure.series[entry.seriesIndex].style == .scatter {
                let x = entry.sampleX + CurveLayout.legendSampleWidth / 2
                mark(entry.seriesIndex, at: FigurePoint(x: x, y: y), radius: 6, opacity: 1, on: canvas)
                canvas.draw(entry.text)
                continue
            }
            let ends = [
                FigurePoint(x: entry.sampleX, y: y),
                FigurePoint(x: entry.sampleX + CurveLayout.legendSampleWidth, y: y),
            ]
            canvas.line(
                through: ends, color: color(entry.seriesIndex), width: Self.curveWidth + 0.5,
                dashes: dashes(entry.seriesIndex))
            canvas.draw(entry.text)
        }
        for text in layout.texts { canvas.draw(text) }
    }

    /// Which colour and mark a series has.
    private func style(_ index: Int) -> Int { figure.series[index].styleIndex ?? index }

    private func color(_ index: Int) -> FigureColor { colors[style(index) % colors.count] }

    private func dashes(_ index: Int) -> [Double] {
        Self.dashes[style(index) / colors.count % Self.dashes.count]
    }

    private func drawAxes(on canvas: borrowing Canvas) {
        let plot = layout.plot
        let font = CurveLayout.tickFont
        for tick in layout.yTicks.ticks {
            let y = layout.placeY(tick.value).rounded() + 0.5
            let ends = [FigurePoint(x: plot.x, y: y), FigurePoint(x: plot.maxX, y: y)]
            canvas.line(through: ends, color: .lightGrey, width: 1)
            canvas.text(
                tick.label, at: FigurePoint(x: plot.x - 8, y: y + (font.size * 0.36).rounded()), font: font,
                color: .darkGrey, anchor: .end)
        }
        for tick in layout.xTicks.ticks {
            let x = layout.placeX(tick.value).rounded() + 0.5
            let ends = [FigurePoint(x: x, y: plot.maxY), FigurePoint(x: x, y: plot.maxY + 6)]
            canvas.line(through: ends, color: .middleGrey, width: 1)
            canvas.text(
                tick.label, at: FigurePoint(x: x, y: plot.maxY + 8 + font.ascent), font: font, color: .darkGrey,
                anchor: .middle)
        }
        let axis = [
            FigurePoint(x: plot.x, y: plot.maxY + 0.5), FigurePoint(x: plot.maxX, y: plot.maxY + 0.5),
        ]
        canvas.line(through: axis, color: .middleGrey, width: 1)
        if !layout.yLabel.isEmpty {
            canvas.text(
                layout.yLabel, at: FigurePoint(x: layout.yLabelX, y: plot.y + plot.height / 2),
                font: CurveLayout.labelFont, color: .darkGrey, anchor: .middle, isRisen: true)
        }
    }

    private func drawMarks(on canvas: borrowing Canvas) {
        let plot = layout.plot
        for mark in figure.marks where abs(mark.x) < 1e150 {
            let x = layout.placeX(mark.x).rounded() + 0.5
            let ends = [FigurePoint(x: x, y: plot.y), FigurePoint(x: x, y: plot.maxY)]
            canvas.line(through: ends, color: .middleGrey, width: 1, dashes: [4, 4])
        }
    }

    private func drawPoints(_ index: Int, on canvas: borrowing Canvas) {
        let points = figure.series[index].points.filter(figure.isDrawable)
        let count = figure.series.reduce(0) { $0 + ($1.style == .scatter ? $1.points.count : 0) }
        // Many points are smaller and let those below them shine through.
        let radius = count > 4000 ? 2.2 : count > 1000 ? 3 : 4.5
        for point in points {
            mark(index, at: layout.place(point), radius: radius, opacity: count > 1000 ? 0.55 : 0.85, on: canvas)
        }
    }

    /// A mark in the colour of a series; where there are many series, they are told apart by their shape too.
    private func mark(
        _ index: Int, at place: FigurePoint, radius: Double, opacity: Double, on canvas: borrowing Canvas
    ) {
        let corners: [(x: Double, y: Double)]
        switch figure.series.count > FigureColor.palette.count ? style(index) % 4 : 0 {
        case 0: return canvas.fillCircle(center: place, radius: radius, color: color(index), opacity: opacity)
        case 1: corners = [(0, -1.3), (1.2, 0.8), (-1.2, 0.8)]
        case 2: corners = [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]
        default: corners = [(0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)]
        }
        canvas.fill(
            corners.map { FigurePoint(x: place.x + $0.x * radius, y: place.y + $0.y * radius) }, color: color(index),
            opacity: opacity)
    }

    private func drawLabels(on canvas: borrowing Canvas) {
        for label in layout.seriesLabels where label.isMoved {
            let bounds = label.text.bounds
            let middle = FigurePoint(x: label.text.x, y: bounds.y + bounds.height / 2)
            canvas.line(through: [label.anchor, middle], color: .ink, width: 1)
            canvas.fillCircle(center: label.anchor, radius: 3, color: .ink)
        }
        for label in layout.seriesLabels {
            canvas.outlinedText(
                label.text.text, at: FigurePoint(x: label.text.x, y: label.text.baseline), font: label.text.font)
        }
    }

    private func drawCurve(_ index: Int, on canvas: borrowing Canvas) {
        for stretch in stretches(of: figure.series[index]) {
            let places = thinned(stretch)
            if places.count == 1 {
                canvas.fillCircle(center: places[0], radius: 4, color: color(index))
            } else {
                canvas.line(through: places, color: color(index), width: Self.curveWidth, dashes: dashes(index))
            }
        }
    }

    /// The places of the points between those that cannot be drawn.
    private func stretches(of series: CurveFigure.Series) -> [[FigurePoint]] {
        series.points.split { !figure.isDrawable($0) }.map { $0.map(layout.place) }
    }

    /// At most four points per unit of width (first, lowest, highest, last), which look like all of them. A curve that
    /// goes back, and one of few points, is left as it is.
    private func thinned(_ places: [FigurePoint]) -> [FigurePoint] {
        guard places.count > 4 * Int(layout.plot.width), zip(places, places.dropFirst()).allSatisfy({ $0.x <= $1.x })
        else { return places }
        var thinned: [FigurePoint] = []
        var start = 0
        while start < places.count {
            let column = places[start].x.rounded(.down)
            let end = places[start...].firstIndex { $0.x.rounded(.down) != column } ?? places.count
            let range = start..<end
            guard let lowest = range.max(by: { places[$0].y < places[$1].y }),
                let highest = range.min(by: { places[$0].y < places[$1].y })
            else { break }
            for index in Set([start, lowest, highest, end - 1]).sorted() { thinned.append(places[index]) }
            start = end
        }
        return thinned
    }
}

import TensorCore

/// One bar for each of a list of names, such as the KL divergence of each latent dimension.
public struct BarFigure: Figure, Equatable {
    /// One bar.
    public struct Bar: Sendable, Equatable {
        /// Below the bar.
        public var name: String
        /// Bars of values that are not finite or below 0 are left out.
        public var value: Double
        /// Whether it is drawn in colour; others are grey.
        public var isHighlighted: Bool

        public init(name: String, value: Double, isHighlighted: Bool = true) {
            self.name = name
            self.value = value
            self.isHighlighted = isHighlighted
        }
    }

    /// What the heights are, with their unit.
    public var yLabel: String
    public var bars: [Bar]
    /// Units of the figure, 320 to 20,000.
    public var width: Int
    /// Units of the figure, 240 to 20,000.
    public var height: Int

    public init(yLabel: String, bars: [Bar], width: Int = 760, height: Int = 320) {
        self.yLabel = yLabel
        self.bars = bars
        self.width = width
        self.height = height
    }

    /// The bytes of the figure in `format`.
    /// - Throws: `ZooError` if no bar can be drawn or the size is not possible.
    public func encoded(as format: FigureFormat) throws -> [UInt8] {
        let highest = bars.lazy.map(\.value).filter { $0.isFinite && $0 < 1e150 }.max() ?? 0
        guard (320...20_000).contains(width), (240...20_000).contains(height), highest > 0 else {
            throw ZooError(
                "a figure of \(bars.count) bars, \(width) × \(height), has nothing to draw: it needs a finite value above 0 "
                    + "and from 320 × 240 to 20000 × 20000 units", code: .invalidValue)
        }
        let measurer = try TextMeasurer()
        let canvas = try Canvas(width: width, height: height, format: format)
        let range = AxisTicks.widened(0...highest, atMost: 6)
        let ticks = AxisTicks.linear(in: range, atMost: 6).ticks
        let tickWidth = ticks.map { measurer.width(of: $0.label, in: .footer) }.max() ?? 0
        let left = 34 + tickWidth
        let plot = FigureRectangle(
            x: left, y: 14, width: Double(width) - left - 10, height: Double(height) - 14 - 34)
        func y(_ value: Double) -> Double { plot.maxY - value / range.upperBound * plot.height }
        for tick in ticks {
            let height = y(tick.value)
            canvas.line(
                through: [FigurePoint(x: plot.x, y: height), FigurePoint(x: plot.maxX, y: height)],
                color: tick.value == 0 ? .middleGrey : .lightGrey, width: 1)
            canvas.text(
                tick.label, at: FigurePoint(x: plot.x - 6, y: height + 4), font: .footer, color: .darkGrey,
                anchor: .end)
        }
        canvas.text(
            yLabel, at: FigurePoint(x: 16, y: plot.y + plot.height / 2), font: .footer, color: .darkGrey,
            anchor: .middle, isRisen: true)
        let step = plot.width / Double(bars.count)
        // As many names as there is room for.
        let nameWidth = (bars.map { measurer.width(of: $0.name, in: .footer) }.max() ?? 0) + 8
        let every = max(1, Int((nameWidth / step).rounded(.up)))
        for (place, bar) in bars.enumerated() {
            let x = plot.x + Double(place) * step
            if bar.value.isFinite, bar.value > 0, bar.value < 1e150 {
                let top = y(bar.value)
                canvas.fill(
                    FigureRectangle(x: x + step * 0.12, y: top, width: step * 0.76, height: plot.maxY - top),
                    color: bar.isHighlighted ? FigureColor.palette[0] : .middleGrey)
            }
            guard place % every == 0 else { continue }
            canvas.text(
                bar.name, at: FigurePoint(x: x + step / 2, y: plot.maxY + 20), font: .footer, color: .darkGrey,
                anchor: .middle)
        }
        return try canvas.finish()
    }
}

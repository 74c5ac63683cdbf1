import TensorCore

/// Curves over a common axis, such as losses over epochs, or scattered points: axes with round ticks, grid lines and
/// a legend.
///
/// Values that are not finite (and with `isLogarithmic` those that are not above 0) leave a gap in the curve; the
/// figure's last line says how many there are.
public struct CurveFigure: Figure {
    /// A point of a curve.
    public struct Point: Sendable, Equatable {
        public var x: Double
        public var y: Double

        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// How the points of a series are drawn.
    public enum Style: Sendable, Equatable {
        /// A line through all points.
        case line
        /// A mark at each point: a scatter plot.
        case scatter
    }

    /// One curve, or the points of one kind.
    public struct Series: Sendable, Equatable {
        /// Its name in the legend.
        public var name: String
        /// Its points, drawn in this order.
        public var points: [Point]
        public var style: Style
        /// Written in the middle of the points, on top of all series, or beside it with a line that leads there where
        /// other labels are in the way. Empty for none.
        public var label: String
        /// Which of the colours and marks it has, from 0; nil for that of its place among the series. A model that keeps
        /// its number keeps its colour in all figures of a report.
        public var styleIndex: Int?

        public init(
            name: String, points: [Point], style: Style = .line, label: String = "", styleIndex: Int? = nil
        ) {
            self.name = name
            self.points = points
            self.style = style
            self.label = label
            self.styleIndex = styleIndex
        }

        /// A curve through (1, values[0]), (2, values[1]), …: a value for each epoch.
        public init(name: String, values: [Double]) {
            self.init(name: name, points: values.enumerated().map { Point(x: Double($0 + 1), y: $1) })
        }
    }

    /// A vertical line at a value of x, such as the best epoch.
    public struct Mark: Sendable, Equatable {
        public var x: Double
        public var label: String

        public init(x: Double, label: String) {
            self.x = x
            self.label = label
        }
    }

    /// What the figure shows. Empty for none.
    public var title: String
    /// Below the title: model, data set, split. Empty for none.
    public var subtitle: String
    /// Below the curves: seed, checkpoint and what else is needed to make the figure again. Empty for none.
    public var footer: String
    /// What x is, for example "epoch".
    public var xLabel: String
    /// What y is, with its unit, for example "loss (nats per image)".
    public var yLabel: String
    public var series: [Series]
    public var marks: [Mark]
    /// Whether y is drawn in powers of ten.
    public var isLogarithmic: Bool
    /// Units of the figure; 1280 unless set, from 320 to 20,000.
    public var width: Int
    /// Units of the figure; 720 unless set, from 240 to 20,000.
    public var height: Int

    public init(
        title: String = "", subtitle: String = "", footer: String = "", xLabel: String, yLabel: String,
        series: [Series], marks: [Mark] = [], isLogarithmic: Bool = false, width: Int = 1280, height: Int = 720
    ) {
        self.title = title
        self.subtitle = subtitle
        self.footer = footer
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.series = series
        self.marks = marks
        self.isLogarithmic = isLogarithmic
        self.width = width
        self.height = height
    }

    /// The bytes of the figure in `format`.
    /// - Throws: `ZooError` if no point can be drawn or the size is not possible.
    public func encoded(as format: FigureFormat) throws -> [UInt8] {
        let layout = try CurveLayout(self)
        let canvas = try Canvas(width: width, height: height, format: format)
        CurveRenderer(figure: self, layout: layout).draw(on: canvas)
        return try canvas.finish()
    }

    /// Whether a point can be drawn. Sizes beyond 1e150 cannot: differences of them overflow.
    func isDrawable(_ point: Point) -> Bool {
        abs(point.x) < 1e150 && abs(point.y) < 1e150 && (!isLogarithmic || point.y > 1e-150)
    }

    func validate() throws {
        guard (320...20_000).contains(width), (240...20_000).contains(height) else {
            throw ZooError(
                "a figure of curves is from 320 x 240 to 20000 x 20000 pixels, not \(width) x \(height)",
                code: .invalidValue)
        }
        guard series.contains(where: { $0.points.contains(where: isDrawable) }) else {
            let count = series.reduce(0) { $0 + $1.points.count }
            throw ZooError(
                "the figure\(title.isEmpty ? "" : " '\(title)'") has no point to draw: \(series.count) curves with "
                    + "\(count) points, none of them \(isLogarithmic ? "finite and above 0" : "finite")",
                code: .invalidValue)
        }
    }
}

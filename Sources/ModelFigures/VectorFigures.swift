import Figures
import LatentTools
import ModelKit
import Planning
import TensorCore
import TextSupport

/// What a model of vectors `[D]` makes, drawn in the units of the data: vectors of two numbers as points in the plane, others
/// as curves over their features (parallel coordinates).
public struct VectorFigures {
    public let plan: InferencePlan
    private let scaling: ValueScaling?
    private var size: Int { plan.definition.input.count }
    private var isPlane: Bool { size == 2 }

    /// The most curves of a figure of parallel coordinates: more cannot be told apart.
    private static let mostCurves = 200

    /// - Parameter scaling: of the data, undone in all figures.
    /// - Throws: `ZooError` for a model whose inputs are no vectors, or a scaling of other vectors.
    public init(_ plan: InferencePlan, scaling: ValueScaling?) throws {
        guard plan.definition.input.rank == 1 else {
            throw ZooError("\(plan.definition.name) works on images \(plan.definition.input)", code: .mismatch)
        }
        guard scaling.map({ $0.count == plan.definition.input.count }) ?? true else {
            throw ZooError(
                "the scaling of \(scaling?.count ?? 0) features does not fit vectors \(plan.definition.input)",
                code: .mismatch)
        }
        self.plan = plan
        self.scaling = scaling
    }

    /// Numbers of the model in the units of the data.
    public func inUnitsOfData(_ tensor: Tensor) throws -> Tensor { try scaling?.undone(tensor) ?? tensor }

    /// The decoded vectors of latent vectors, in the units of the data.
    public func decoded(_ latents: [[Float]]) throws -> Tensor {
        try inUnitsOfData(plan.decode(Tensor(rows: latents)))
    }

    // MARK: Figures

    /// Decoded draws, above the data where there are some.
    ///
    /// - Parameter data: vectors as the model takes them; nil to leave them out.
    public func samples(_ latents: [[Float]], data: Tensor?, words: FigureWords) throws -> CurveFigure {
        let decoded = try decoded(latents)
        var groups = [("samples", decoded)]
        if let data { groups.insert(("data", try inUnitsOfData(data)), at: 0) }
        return figure(groups, words)
    }

    /// Some of the samples of each region.
    public func regions(_ rows: [RegionRow], words: FigureWords) throws -> CurveFigure {
        figure(try rows.map { ($0.analysis.name, try decoded($0.latents)) }, words)
    }

    /// Vectors and what is decoded from the means of their posteriors, with ½‖x − x̂‖² of each in the numbers of the model.
    public func reconstructions(
        _ vectors: Tensor, words: FigureWords
    ) throws -> (figure: CurveFigure, squaredErrors: [Double]) {
        let decoded = try plan.decode(plan.encode(vectors).mean)
        return (
            figure([("data", try inUnitsOfData(vectors)), ("reconstructions", try inUnitsOfData(decoded))], words),
            vectors.halfSquaredErrors(of: decoded)
        )
    }

    /// What each latent dimension does: a curve, or a set of curves, for each.
    public func traversal(_ figure: TraversalFigure, words: FigureWords) throws -> CurveFigure {
        let rows = figure.traversal.rows
        return try self.figure(
            zip(rows, figure.captions).map { row, caption in
                (
                    caption.replacing("\n", with: ", "),
                    try decoded(figure.traversal.latents(of: row))
                )
            }, words, isPath: true)
    }

    /// The decoded vectors of interpolations.
    public func interpolations(_ interpolations: [Interpolation], words: FigureWords) throws -> CurveFigure {
        try figure(
            interpolations.map { ($0.names.joined(separator: " → "), try inUnitsOfData($0.decoded)) }, words,
            isPath: true)
    }

    /// The decoder over a grid of two latent dimensions: the lines of the grid as they lie among the data.
    public func manifold(_ grid: LatentGrid, words: FigureWords) throws -> CurveFigure {
        let decoded = try decoded(grid.latents)
        let numbers = Array(0..<grid.size)
        let rows = numbers.map { row in numbers.map { row * grid.size + $0 } }
        let columns = numbers.map { column in numbers.map { $0 * grid.size + column } }
        guard isPlane else { return figure([("grid", decoded)], words) }
        func series(_ lines: [[Int]], _ name: String, _ style: Int) -> [CurveFigure.Series] {
            lines.enumerated().map { number, line in
                CurveFigure.Series(
                    name: number == 0 ? name : "", points: line.map { point(decoded[$0]) }, styleIndex: style)
            }
        }
        var figure = empty(words)
        figure.series =
            series(rows, "along z\(grid.horizontal)", 0) + series(columns, "along z\(grid.vertical)", 1)
        return figure
    }

    // MARK: Series

    private func empty(_ words: FigureWords) -> CurveFigure {
        CurveFigure(
            title: words.title, subtitle: words.subtitle, footer: words.footer, xLabel: isPlane ? "x0" : "feature",
            yLabel: isPlane ? "x1" : "value", series: [], width: 1280, height: isPlane ? 1000 : 720)
    }

    private func point(_ row: ArraySlice<Float>) -> CurveFigure.Point {
        CurveFigure.Point(x: Double(row[row.startIndex]), y: Double(row[row.startIndex + 1]))
    }

    /// Groups of vectors, each of a colour of its own.
    ///
    /// - Parameter isPath: whether the vectors of a group follow one another.
    private func figure(_ groups: [(name: String, rows: Tensor)], _ words: FigureWords, isPath: Bool = false)
        -> CurveFigure
    {
        var figure = empty(words)
        for (style, group) in groups.enumerated() {
            guard !isPlane else {
                let points = (0..<group.rows.count).map { point(group.rows[$0]) }
                figure.series.append(
                    CurveFigure.Series(
                        name: group.name, points: points, style: isPath ? .line : .scatter, styleIndex: style))
                continue
            }
            let shown = min(group.rows.count, Self.mostCurves / max(1, groups.count))
            for number in 0..<shown {
                let row = group.rows[number * group.rows.count / shown]
                figure.series.append(
                    CurveFigure.Series(
                        name: number == 0 ? group.name : "",
                        points: row.enumerated().map { CurveFigure.Point(x: Double($0), y: Double($1)) },
                        style: size == 1 ? .scatter : .line, styleIndex: style))
            }
        }
        return figure
    }
}

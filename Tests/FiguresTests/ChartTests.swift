import Figures
import Foundation
import ImageFiles
import TensorCore
import Testing

@Suite struct ChartTests {
    @Test(arguments: FigureFormat.allCases) func barsAreDrawnInEveryFormat(format: FigureFormat) throws {
        let figure = BarFigure(
            yLabel: "KL (nats)",
            bars: (0..<20).map { BarFigure.Bar(name: "z\($0)", value: 3 / Double($0 + 1), isHighlighted: $0 < 9) })
        #expect(try figure.encoded(as: format).count > 500)
    }

    @Test func barsThatCannotBeDrawnAreLeftOut() throws {
        var figure = BarFigure(
            yLabel: "y",
            bars: [.nan, .infinity, -1, 2].map { BarFigure.Bar(name: "a", value: $0) })
        #expect(try !figure.encoded(as: .svg).isEmpty)
        figure.bars.removeLast()
        #expect(throws: ZooError.self) { try figure.encoded(as: .svg) }
        figure.bars = []
        #expect(throws: ZooError.self) { try figure.encoded(as: .png) }
    }

    @Test(arguments: [1, 8, 60, 200]) func heatMapsOfAllSizes(size: Int) throws {
        let names = (0..<size).map { "z\($0)" }
        let rows = (0..<size).map { i in (0..<size).map { Optional(Double(i - $0) / Double(size)) } }
        let figure = HeatmapFigure(rowNames: names, columnNames: names, rows: rows, scale: .diverging(1))
        #expect(try figure.encoded(as: .png).count > 100)
    }

    @Test func valuesThatAreMissingOrNotFiniteAreGrey() throws {
        let figure = HeatmapFigure(
            rowNames: ["a"], columnNames: ["x", "y", "z"], rows: [[nil, .nan, .infinity]], scale: .sequential(0))
        #expect(try !figure.encoded(as: .svg).isEmpty)
    }

    @Test func whatDoesNotFitIsRefused() {
        let ragged = HeatmapFigure(rowNames: ["a"], columnNames: ["x", "y"], rows: [[1]], scale: .sequential(1))
        #expect(throws: ZooError.self) { try ragged.encoded(as: .png) }
        let many = HeatmapFigure(
            rowNames: ["a"], columnNames: [String](repeating: "x", count: 1_000),
            rows: [[Double?](repeating: 0, count: 1_000)], scale: .sequential(1))
        #expect(throws: ZooError.self) { try many.encoded(as: .png) }
    }
}

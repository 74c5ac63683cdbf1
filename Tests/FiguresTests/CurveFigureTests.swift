import ImageFiles
import TensorCore
import Testing

@testable import Figures

@Suite("Curve figure")
struct CurveFigureTests {
    private func figure(_ series: [CurveFigure.Series], isLogarithmic: Bool = false) -> CurveFigure {
        CurveFigure(
            title: "Training", subtitle: "conv-vae-mnist", footer: "seed 7", xLabel: "epoch",
            yLabel: "loss (nats per image)", series: series, isLogarithmic: isLogarithmic)
    }

    @Test("A curve is drawn in its colour where its values are")
    func colors() throws {
        let figure = figure([
            .init(name: "train", points: [.init(x: 0, y: 0), .init(x: 10, y: 0.5), .init(x: 20, y: 10)]),
            .init(name: "test", points: [.init(x: 0, y: 10), .init(x: 20, y: 10)]),
        ])
        let layout = try CurveLayout(figure)
        let image = try ImageFiles.decode(figure.encoded(as: .png), name: "curves.png")
        #expect(image.width == 1280 && image.height == 720)
        #expect(color(of: image, at: layout.place(.init(x: 5, y: 0.25))) == [0x00, 0x72, 0xB2])
        #expect(color(of: image, at: layout.place(.init(x: 15, y: 10))) == [0xD5, 0x5E, 0x00])
        #expect(color(of: image, at: layout.place(.init(x: 5, y: 5))) != [0x00, 0x72, 0xB2])
    }

    @Test("Ticks and points lie in the plot, texts in the canvas", arguments: [false, true])
    func inside(isLogarithmic: Bool) throws {
        let values = (1...50).map { 1000 / Double($0 * $0) }
        var figure = figure(
            (0..<20).map { .init(name: "series number \($0)", values: values) }, isLogarithmic: isLogarithmic)
        figure.title = String(repeating: "A long title ", count: 20)
        figure.yLabel = String(repeating: "a long label ", count: 30)
        figure.marks = [.init(x: 50, label: String(repeating: "best ", count: 60)), .init(x: .nan, label: "")]
        let layout = try CurveLayout(figure)
        for tick in layout.yTicks.ticks {
            let y = layout.place(.init(x: 1, y: tick.value)).y
            #expect(y >= layout.plot.y - 1 && y <= layout.plot.maxY + 1)
        }
        for tick in layout.xTicks.ticks {
            let x = layout.place(.init(x: tick.value, y: 1)).x
            #expect(x >= layout.plot.x - 1 && x <= layout.plot.maxX + 1)
        }
        for (index, value) in values.enumerated() {
            let place = layout.place(.init(x: Double(index + 1), y: value))
            #expect(place.y >= layout.plot.y - 1 && place.y <= layout.plot.maxY + 1)
        }
        for text in layout.texts + layout.legend.map(\.text) {
            let bounds = text.bounds
            #expect(bounds.x >= 0 && bounds.maxX <= 1280 && bounds.y >= 0 && bounds.maxY <= 720, "\(text.text)")
        }
        #expect(layout.legend.count == 20)
    }

    @Test("Values that cannot be drawn leave a gap and are counted")
    func gaps() throws {
        let figure = figure([.init(name: "a", values: [1, 2, .nan, .infinity, 2, 1, 1e300])])
        let layout = try CurveLayout(figure)
        #expect(layout.texts.contains { $0.text == "Not drawn: 3 values that are not finite." })
        let image = try ImageFiles.decode(figure.encoded(as: .png), name: "gap.png")
        #expect(color(of: image, at: layout.place(.init(x: 1.5, y: 1.5))) == [0x00, 0x72, 0xB2])
        #expect(color(of: image, at: layout.place(.init(x: 3.5, y: 1.9))) == [255, 255, 255])
        let logarithmic = try CurveLayout(self.figure([.init(name: "a", values: [1, 0, -1, 10])], isLogarithmic: true))
        #expect(logarithmic.texts.contains { $0.text == "Not drawn: 2 values that are not finite and above 0." })
    }

    @Test("One value, equal values and extreme values can be drawn")
    func extremes() throws {
        let cases: [[Double]] = [
            [3], [5, 5, 5], [0, 0], [1e-300, 2e-300], [1e149, -1e149], [1e12, 1e12 + 1], [-1e-9, 1e-9],
            [1, 1 + 1e-14], [.leastNonzeroMagnitude, 1],
        ]
        for values in cases {
            for isLogarithmic in [false, true] where !isLogarithmic || values.contains(where: { $0 > 1e-150 }) {
                let figure = figure([.init(name: "a", values: values)], isLogarithmic: isLogarithmic)
                let layout = try CurveLayout(figure)
                #expect(layout.plot.height > 100)
                _ = try figure.encoded(as: .png)
            }
        }
        let point = figure([.init(name: "a", values: [3])])
        let image = try ImageFiles.decode(point.encoded(as: .png), name: "point.png")
        #expect(try color(of: image, at: CurveLayout(point).place(.init(x: 1, y: 3))) == [0x00, 0x72, 0xB2])
    }

    @Test("A million points are drawn quickly and look as all of them do")
    func manyPoints() throws {
        let points = (0..<1_000_000).map { CurveFigure.Point(x: Double($0), y: $0 == 500_000 ? 10 : 1) }
        let figure = figure([.init(name: "a", points: points)])
        let layout = try CurveLayout(figure)
        let clock = ContinuousClock()
        let start = clock.now
        let image = try ImageFiles.decode(figure.encoded(as: .png), name: "many.png")
        #expect(clock.now - start < .seconds(20))
        #expect(color(of: image, at: layout.place(.init(x: 500_000, y: 6))) == [0x00, 0x72, 0xB2])
    }

    @Test("Labels of series that lie on each other can be read", arguments: [2, 10, 25])
    func labels(count: Int) throws {
        var random = SplitMix64(state: 3)
        let series = (0..<count).map { index in
            let points = (0..<50).map { _ in
                CurveFigure.Point(
                    x: Double.random(in: -1...1, using: &random), y: Double.random(in: -1...1, using: &random))
            }
            return CurveFigure.Series(
                name: "", points: points, style: .scatter, label: ["automobile", "cat", "ship"][index % 3])
        }
        let layout = try CurveLayout(figure(series))
        let bounds = layout.seriesLabels.map(\.text.bounds)
        #expect(bounds.count == count)
        for (index, a) in bounds.enumerated() {
            #expect(a.x >= layout.plot.x && a.maxX <= layout.plot.maxX)
            #expect(a.y >= layout.plot.y && a.maxY <= layout.plot.maxY)
            for b in bounds[(index + 1)...] {
                #expect(a.maxX <= b.x || b.maxX <= a.x || a.maxY <= b.y || b.maxY <= a.y, "\(a) covers \(b)")
            }
        }
        // The tail of the lines is where the points are.
        for label in layout.seriesLabels {
            let points = series[label.seriesIndex].points
            let mean = CurveFigure.Point(
                x: points.reduce(0) { $0 + $1.x } / 50, y: points.reduce(0) { $0 + $1.y } / 50)
            #expect(abs(label.anchor.x - layout.place(mean).x) < 1e-6)
        }
    }

    @Test("A label that nothing is in the way of stays in the middle of its points")
    func freeLabels() throws {
        let layout = try CurveLayout(
            figure([
                .init(name: "", points: [.init(x: 0, y: 0), .init(x: 2, y: 2)], style: .scatter, label: "a"),
                .init(name: "", points: [.init(x: 8, y: 8), .init(x: 10, y: 10)], style: .scatter, label: "b"),
            ]))
        for (label, middle) in zip(layout.seriesLabels, [1.0, 9]) {
            #expect(!label.isMoved)
            #expect(abs(label.text.x - layout.place(.init(x: middle, y: middle)).x) < 1e-6)
        }
    }

    @Test("Nothing to draw and too small a figure are errors with the numbers")
    func errors() {
        let nothing = zooError { _ = try figure([.init(name: "a", values: [.nan, .nan])]).encoded(as: .svg) }
        #expect(
            nothing?.message
                == "the figure 'Training' has no point to draw: 1 curves with 2 points, none of them finite")
        var small = figure([.init(name: "a", values: [1, 2])])
        small.width = 100
        #expect(zooError { _ = try small.encoded(as: .png) }?.message.contains("not 100 x 720") == true)
        small.width = 320
        small.height = 240
        small.title = String(repeating: "long ", count: 200)
        #expect(zooError { _ = try small.encoded(as: .png) }?.message.contains("no room for curves") == true)
    }

    private func color(of image: Image8, at place: FigurePoint) -> [UInt8] {
        let start = (Int(place.y) * image.width + Int(place.x)) * 3
        return Array(image.pixels[start..<start + 3])
    }
}

import Figures
import Foundation
import ImageFiles
import TensorCore
import Testing

@Suite("Image grid")
struct ImageGridTests {
    @Test("Images land where the layout says, each pixel a square of one colour", arguments: [1, 3])
    func pixels(channels: Int) throws {
        let images = try (0..<5).map { try patterned(width: 6 + $0 % 2, height: 5, channels: channels) }
        let grid = ImageGrid(
            images: images, columns: 3, title: "Title", subtitle: "subtitle", footer: "seed 7",
            rowCaptions: ["first", "second"], columnCaptions: ["a", "b", "c"], imageCaptions: ["one", "two"], scale: 4)
        let layout = try ImageGridLayout(grid)
        #expect(layout.scale == 4)
        #expect(layout.imageOrigins.count == 5)
        let file = try ImageFiles.decode(grid.encoded(as: .png), name: "grid.png")
        #expect(file.channels == channels, "a figure without colour is a grey file")
        let figure = try file.converted(toChannels: 3)
        #expect(figure.width == layout.width && figure.height == layout.height)
        for (image, origin) in zip(images, layout.imageOrigins) {
            let color = try image.converted(toChannels: 3)
            var wrong = 0
            for y in 0..<(image.height * 4) {
                for x in 0..<(image.width * 4) {
                    let expected = ((y / 4) * image.width + x / 4) * 3
                    let found = ((origin.y + y) * figure.width + origin.x + x) * 3
                    if color.pixels[expected..<expected + 3] != figure.pixels[found..<found + 3] { wrong += 1 }
                }
            }
            #expect(wrong == 0)
        }
    }

    @Test("Images do not overlap and stand in straight rows and columns")
    func straight() throws {
        let images = try (0..<7).map { _ in try patterned(width: 4, height: 3, channels: 1) }
        let layout = try ImageGridLayout(ImageGrid(images: images, columns: 3, rowsPerGroup: 2, scale: 5))
        let xs = layout.imageOrigins.map(\.x)
        let ys = layout.imageOrigins.map(\.y)
        #expect(xs == [32, 56, 80, 32, 56, 80, 32])
        #expect(ys == [32, 32, 32, 51, 51, 51, 82])
    }

    @Test("All texts are inside the canvas and clear of the images")
    func textsInside() throws {
        let images = try (0..<110).map { _ in try patterned(width: 28, height: 28, channels: 1) }
        let long = String(repeating: "a very long caption that does not fit ", count: 12)
        let grids = [
            ImageGrid(
                images: images, columns: 11, title: long, subtitle: long, footer: long,
                rowCaptions: (0..<10).map { "z\($0)  KL 2.31  position x" }, columnCaptions: (0..<11).map { "\($0)" }),
            ImageGrid(
                images: images, columns: 11, title: long, rowCaptions: [long, "two\nlines"], columnCaptions: [long],
                imageCaptions: images.map { _ in long }),
            ImageGrid(
                images: [images[0]], columns: 1, title: String(repeating: "x", count: 500),
                footer: String(repeating: "/folder", count: 60), imageCaptions: ["1\n2\n3\n4\n5\n6\n7\n8"], scale: 1),
        ]
        for grid in grids {
            let layout = try ImageGridLayout(grid)
            #expect(!layout.texts.isEmpty)
            for text in layout.texts {
                let bounds = text.bounds
                #expect(bounds.x >= 0 && bounds.maxX <= Double(layout.width), "\(text.text)")
                #expect(bounds.y >= 0 && bounds.maxY <= Double(layout.height), "\(text.text)")
                for (image, origin) in zip(grid.images, layout.imageOrigins) {
                    let isClear =
                        bounds.maxX <= Double(origin.x)
                        || bounds.x >= Double(origin.x + image.width * layout.scale)
                        || bounds.maxY <= Double(origin.y) + 2
                        || bounds.y >= Double(origin.y + image.height * layout.scale)
                    #expect(isClear, "\(text.text)")
                }
            }
        }
    }

    @Test("The drawn figure has ink in no margin")
    func margins() throws {
        let images = try (0..<4).map { _ in try patterned(width: 16, height: 16, channels: 3) }
        let long = String(repeating: "Wide WWW ", count: 40)
        let grid = ImageGrid(
            images: images, columns: 2, title: long, subtitle: long, footer: long, rowCaptions: [long, long],
            columnCaptions: [long, long], imageCaptions: [long, long, long, long])
        let figure = try ImageFiles.decode(grid.encoded(as: .png), name: "grid.png")
        var ink = 0
        for y in 0..<figure.height {
            for x in 0..<figure.width {
                let isMargin = x < 20 || y < 20 || x >= figure.width - 20 || y >= figure.height - 20
                let start = (y * figure.width + x) * 3
                if isMargin, figure.pixels[start..<start + 3].contains(where: { $0 != 255 }) { ink += 1 }
            }
        }
        #expect(ink == 0)
    }

    @Test(
        "The scale is the largest that suits a slide",
        arguments: [(64, 8, 28), (16, 8, 32), (110, 11, 64), (4, 2, 8), (1, 1, 100), (12, 12, 218)])
    func scale(count: Int, columns: Int, side: Int) throws {
        let images = try (0..<count).map { _ in try Image8(width: side, height: side, channels: 1, filledWith: 9) }
        var grid = ImageGrid(images: images, columns: columns, title: "Title")
        let chosen = try ImageGridLayout(grid).scale
        let scales = 1...max(1, 320 / side)
        let layouts = try scales.map { scale in
            grid.scale = scale
            return try ImageGridLayout(grid)
        }
        // The largest that fits a slide, or the first beyond it that is wide enough and not too high.
        let fitting = layouts.last { $0.width <= 1920 && $0.height <= 1080 } ?? layouts[0]
        let wider = layouts.filter { $0.scale >= fitting.scale && $0.width <= 1920 && $0.height <= 1440 }
        let expected = fitting.width >= 1280 ? fitting : wider.first { $0.width >= 1280 } ?? wider.last ?? fitting
        #expect(chosen == expected.scale)
    }

    @Test("Captions that do not match the images, no images and no columns are errors with the numbers")
    func mismatches() throws {
        let image = try patterned(width: 2, height: 2, channels: 1)
        let message = { (grid: ImageGrid) in zooError { _ = try grid.encoded(as: .png) }?.message }
        #expect(
            message(ImageGrid(images: [], columns: 2, title: "T")) == "a grid of images has no image to show ('T')")
        #expect(message(ImageGrid(images: [image], columns: 0)) == "a grid of images needs at least 1 column, not 0")
        #expect(
            message(ImageGrid(images: [image, image], columns: 2, rowCaptions: ["a", "b"]))
                == "a grid of 2 images in 2 columns has 1 row captions at most, but 2 were given")
        #expect(
            message(ImageGrid(images: [image], columns: 1, scale: 0))
                == "the scale of a grid of images is from 1 to 20000, not 0")
        #expect(message(ImageGrid(images: [image], columns: 1, scale: 15_000))?.contains("cannot be drawn") == true)
        #expect(message(ImageGrid(images: [image], columns: .max, scale: 15_000))?.contains("fewer") != nil)
    }

    @Test("The extension says the format; another one is a usage error that lists the three")
    func extensions() throws {
        #expect(try FigureFormat(path: "a.b/c.PNG") == .png)
        #expect(try FigureFormat(path: "figure.svg") == .svg)
        #expect(try FigureFormat(path: "/x/figure.pdf") == .pdf)
        let error = zooError { _ = try FigureFormat(path: "runs/grid.jpeg") }
        #expect(error?.kind == .usage)
        #expect(
            error?.description
                == "figures cannot be written as '.jpeg' ('runs/grid.jpeg')\n  use one of .png, .svg and .pdf")
        #expect(zooError { _ = try FigureFormat(path: "runs.png/grid") }?.kind == .usage)
    }

    @Test("Files begin as their format does, and an old file is replaced", arguments: FigureFormat.allCases)
    func files(format: FigureFormat) throws {
        let starts: [FigureFormat: String] = [.png: "\u{89}PNG", .svg: "<?xml", .pdf: "%PDF-1."]
        let grid = try ImageGrid(images: [patterned(width: 8, height: 8, channels: 3)], columns: 1, title: "Title")
        try withTemporaryFolder { folder in
            let path = folder + "/figure.\(format.rawValue)"
            try Data("old".utf8).write(to: URL(fileURLWithPath: path))
            try grid.write(to: path)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            let start = try #require(starts[format]).unicodeScalars.map { UInt8($0.value) }
            #expect(bytes.starts(with: start))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["figure.\(format.rawValue)"])
            if format == .svg {
                let parser = XMLDocumentCheck(data: bytes)
                #expect(parser.isWellFormed)
            }
        }
    }

    @Test("A figure that cannot be written is an error with its path, and nothing is left behind")
    func unwritable() throws {
        let grid = try ImageGrid(images: [patterned(width: 8, height: 8, channels: 3)], columns: 1)
        try withTemporaryFolder { folder in
            let missing = folder + "/none/figure.png"
            #expect(zooError { try grid.write(to: missing) }?.message.contains(missing) == true)
            let occupied = folder + "/folder.png"
            try FileManager.default.createDirectory(atPath: occupied + "/inside", withIntermediateDirectories: true)
            #expect(zooError { try grid.write(to: occupied) }?.message.contains(occupied) == true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["folder.png"])
        }
    }
}

/// Whether a document's brackets match: every element that is opened is closed, in order.
private struct XMLDocumentCheck {
    let isWellFormed: Bool

    init(data: Data) {
        var open: [Substring] = []
        var isWellFormed = true
        for part in String(decoding: data, as: UTF8.self).split(separator: "<").dropFirst() {
            guard let end = part.firstIndex(of: ">") else {
                isWellFormed = false
                break
            }
            let tag = part[..<end]
            if tag.hasPrefix("/") {
                if open.popLast() != tag.dropFirst() { isWellFormed = false }
            } else if !tag.hasSuffix("/") {
                open.append(tag.prefix { !$0.isWhitespace })
            }
        }
        self.isWellFormed = isWellFormed && open.isEmpty
    }
}

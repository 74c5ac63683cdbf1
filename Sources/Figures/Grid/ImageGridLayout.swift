import ImageFiles
import TensorCore

/// Where everything in an image grid is, in units of the figure.
package struct ImageGridLayout {
    /// Units per image pixel.
    package let scale: Int
    package private(set) var width = 0
    package private(set) var height = 0
    /// The upper left corner of each image.
    package private(set) var imageOrigins: [(x: Int, y: Int)] = []
    package private(set) var texts: [PlacedText] = []

    static let largestPreferredImage = 320

    private static let margin = 32
    /// Titles are not wrapped narrower than this.
    private static let minimumContentWidth = 480
    private static let widestRowCaption = 320.0
    private static let captionSpace = 14
    private static let smallestCaption = 10.0
    /// For the name of the vertical axis.
    private static let axisSpace = 30

    /// - Throws: `ZooError` if the grid cannot be laid out.
    package init(_ grid: ImageGrid) throws {
        try grid.validate()
        let measurer = try TextMeasurer()
        if let scale = grid.scale {
            self = try ImageGridLayout(grid, scale: scale, measurer: measurer)
            return
        }
        let cell = Self.cellSize(of: grid.images)
        let (roomWidth, roomHeight) = (Int(grid.room.width), Int(grid.room.height))
        let images = roomWidth - 2 * Self.margin
        var scale = max(1, min(Self.largestPreferredImage / max(cell.width, cell.height), images / cell.width))
        var layout = try ImageGridLayout(grid, scale: scale, measurer: measurer)
        while scale > 1, layout.width > roomWidth || layout.height > roomHeight {
            scale -= 1
            layout = try ImageGridLayout(grid, scale: scale, measurer: measurer)
        }
        while layout.width < roomWidth * 2 / 3,
            (scale + 1) * max(cell.width, cell.height) <= Self.largestPreferredImage
        {
            let larger = try ImageGridLayout(grid, scale: scale + 1, measurer: measurer)
            guard larger.width <= roomWidth, larger.height <= roomHeight * 4 / 3 else { break }
            scale += 1
            layout = larger
        }
        self = layout
    }

    private init(_ grid: ImageGrid, scale: Int, measurer: borrowing TextMeasurer) throws {
        self.scale = scale
        let cell = Self.cellSize(of: grid.images)
        let cellWidth = try Self.checkedProduct(cell.width, scale)
        let cellHeight = try Self.checkedProduct(cell.height, scale)
        let gap = grid.gap ?? max(4, min(cellWidth, cellHeight) / 16)
        let yLabelWidth = grid.axes.map { $0.yLabel.isEmpty ? 0 : Self.axisSpace } ?? 0
        let left = Self.margin + yLabelWidth + Self.rowCaptionWidth(of: grid, measurer: measurer)
        let gridWidth = try Self.checkedProduct(grid.columns, cellWidth + gap) - gap
        let contentWidth = max(left - Self.margin + gridWidth, Self.minimumContentWidth)
        width = contentWidth + 2 * Self.margin

        var heading = TextBlock(top: Double(Self.margin))
        heading.addHeading(
            title: grid.title, subtitle: grid.subtitle, x: Double(Self.margin), width: Double(contentWidth),
            measurer: measurer)
        if !heading.placed.isEmpty { heading.skip(Double(Self.captionSpace)) }
        texts = heading.placed
        var top = heading.bottom

        let captionWidth = Double(max(cellWidth + gap - 4, 1))
        let columnFont = Self.font(fitting: grid.columnCaptions, width: captionWidth, measurer: measurer)
        func columnCaptions(top: Double) -> (placed: [PlacedText], bottom: Double) {
            var placed: [PlacedText] = []
            var bottom = top
            for (column, caption) in grid.columnCaptions.enumerated() {
                let middle = Double(left + column * (cellWidth + gap)) + Double(cellWidth) / 2
                let block = Self.centered(
                    caption, font: columnFont, middle: middle, top: top, width: captionWidth, measurer: measurer)
                placed += block.placed
                bottom = max(bottom, block.bottom + 4)
            }
            return (placed, bottom)
        }
        if grid.axes == nil {
            let captions = columnCaptions(top: top)
            texts += captions.placed
            top = captions.bottom
        }
        let gridTop = top

        let imageFont = Self.font(fitting: grid.imageCaptions, width: captionWidth, measurer: measurer)
        for row in 0..<grid.rows {
            var rowBottom = top + Double(cellHeight)
            var label = TextBlock(top: 0)
            if row < grid.rowCaptions.count {
                let lines = TextMeasurer.paragraphs(of: grid.rowCaptions[row]).map {
                    measurer.elided($0, in: .caption, width: Self.widestRowCaption)
                }
                label.add(
                    lines, font: .caption, color: .darkGrey, x: Double(Self.margin + yLabelWidth), measurer: measurer)
                rowBottom = max(rowBottom, top + label.bottom)
            }
            let imageTop = Int(top + ((rowBottom - top - Double(cellHeight)) / 2).rounded())
            let labelTop = (Double(imageTop) + (Double(cellHeight) - label.bottom) / 2).rounded()
            texts += label.placed.map { text in
                var text = text
                text.baseline += labelTop
                return text
            }

            let rowStart = row * grid.columns
            for index in rowStart..<min(rowStart + grid.columns, grid.images.count) {
                let image = grid.images[index]
                let cellLeft = left + (index - rowStart) * (cellWidth + gap)
                imageOrigins.append(
                    (
                        x: cellLeft + (cellWidth - image.width * scale) / 2,
                        y: imageTop + (cellHeight - image.height * scale) / 2
                    ))
                if index < grid.imageCaptions.count {
                    let block = Self.centered(
                        grid.imageCaptions[index], font: imageFont, middle: Double(cellLeft) + Double(cellWidth) / 2,
                        top: Double(imageTop + cellHeight) + 2, width: captionWidth, measurer: measurer)
                    texts += block.placed
                    rowBottom = max(rowBottom, block.bottom + 4)
                }
            }
            let endsGroup = grid.rowsPerGroup > 0 && (row + 1) % grid.rowsPerGroup == 0
            top = rowBottom + (row + 1 < grid.rows ? Double(endsGroup ? gap * 4 : gap) : 0)
        }

        if let axes = grid.axes {
            let gridBottom = top
            let captions = columnCaptions(top: top + 4)
            texts += captions.placed
            top = captions.bottom
            var label = TextBlock(top: top)
            if !axes.xLabel.isEmpty {
                label.add(
                    [measurer.elided(axes.xLabel, in: .subtitle, width: Double(contentWidth))], font: .subtitle,
                    color: .darkGrey, x: Double(left) + Double(gridWidth) / 2, anchor: .middle, measurer: measurer)
            }
            top = label.bottom
            if !axes.yLabel.isEmpty {
                let text = measurer.elided(axes.yLabel, in: .subtitle, width: gridBottom - gridTop)
                label.addRisen(
                    text, font: .subtitle, color: .darkGrey, x: Double(Self.margin) + FigureFont.subtitle.ascent,
                    middle: (gridTop + gridBottom) / 2, measurer: measurer)
            }
            texts += label.placed
        }

        if !grid.footer.isEmpty {
            var footer = TextBlock(top: top + Double(Self.captionSpace))
            let lines = measurer.lines(of: grid.footer, in: .footer, width: Double(contentWidth))
            footer.add(lines, font: .footer, color: .darkGrey, x: Double(Self.margin), measurer: measurer)
            texts += footer.placed
            top = footer.bottom
        }
        height = Int(top.rounded(.up)) + Self.margin
    }

    /// The size of a cell in image pixels: that of the largest image.
    private static func cellSize(of images: [Image8]) -> (width: Int, height: Int) {
        (images.reduce(1) { max($0, $1.width) }, images.reduce(1) { max($0, $1.height) })
    }

    private static func checkedProduct(_ left: Int, _ right: Int) throws -> Int {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        guard !overflow, product <= Image8.maximumPixelCount else {
            throw ZooError(
                "a grid of images would be more than \(Image8.maximumPixelCount) pixels wide or high",
                advice: "show fewer columns or use a smaller scale", code: .limit)
        }
        return product
    }

    private static func rowCaptionWidth(of grid: ImageGrid, measurer: borrowing TextMeasurer) -> Int {
        var widest = 0.0
        for caption in grid.rowCaptions {
            for line in TextMeasurer.paragraphs(of: caption) {
                widest = max(widest, measurer.width(of: line, in: .caption))
            }
        }
        return widest == 0 ? 0 : Int(min(widest, widestRowCaption).rounded(.up)) + captionSpace
    }

    private static func font(
        fitting captions: [String], width: Double, measurer: borrowing TextMeasurer
    ) -> FigureFont {
        let lines = captions.flatMap { TextMeasurer.paragraphs(of: $0) }
        return measurer.font(.caption, fitting: lines, width: width, minimumSize: smallestCaption)
    }

    private static func centered(
        _ caption: String, font: FigureFont, middle: Double, top: Double, width: Double,
        measurer: borrowing TextMeasurer
    ) -> TextBlock {
        var block = TextBlock(top: top)
        let lines = TextMeasurer.paragraphs(of: caption).map { measurer.elided($0, in: font, width: width) }
        block.add(lines, font: font, color: .darkGrey, x: middle, anchor: .middle, measurer: measurer)
        return block
    }
}

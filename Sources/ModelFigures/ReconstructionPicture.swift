import Figures
import ImageFiles
import ModelKit
import Planning
import TensorCore
import TextSupport

extension Pictures {
    /// Originals above their reconstructions (decoded from means), with ½‖x − x̂‖² under each pair.
    ///
    /// - Parameters:
    ///   - pixels: images of C·H·W bytes in H W C order.
    ///   - classes: of the images, for a conditional model.
    ///   - names: a caption for each.
    public func reconstructions(
        _ pixels: [UInt8], classes: [Int]? = nil, names: [String], words: FigureWords
    ) throws -> (grid: ImageGrid, squaredErrors: [Double]) {
        let originals = try images(pixels)
        let count = originals.count
        let decoded = try plan.decode(plan.encode(pixels, classes: classes).mean, classes: classes)
        let errors = (0..<count).map { squaredError(pixels, $0, decoded[$0]) }
        let perRow = min(count, 10)
        let empty = try blank()
        var grid = ImageGrid(images: [], columns: perRow, words: words)
        for start in stride(from: 0, to: count, by: perRow) {
            let shown = start..<min(start + perRow, count)
            let padding = perRow - shown.count
            let filling = [Image8](repeating: empty, count: padding)
            grid.images += originals[shown] + filling
            grid.images += try shown.map { try image(decoded[$0]) } + filling
            let noCaptions = [String](repeating: "", count: padding)
            grid.imageCaptions += names[shown] + noCaptions
            grid.imageCaptions += shown.map { Formatting.decimals(errors[$0], 1) } + noCaptions
            grid.rowCaptions += ["image", "reconstruction\n½‖x − x̂‖² below"]
        }
        grid.rowsPerGroup = 2
        return (grid, errors)
    }

    /// Mean ½‖x − x̂‖² of images of C·H·W bytes in H W C order, x̂ decoded from the posterior's mean.
    public func meanSquaredError(_ pixels: [UInt8], classes: [Int]? = nil) throws -> Double {
        let count = pixels.count / definition.input.count
        let decoded = try plan.decode(plan.encode(pixels, classes: classes).mean, classes: classes)
        return (0..<count).reduce(0) { $0 + squaredError(pixels, $1, decoded[$1]) } / Double(max(1, count))
    }

    /// ½‖x − x̂‖² of image number `index`, pixels from 0 to 1.
    private func squaredError(_ pixels: [UInt8], _ index: Int, _ decoded: [Float]) -> Double {
        let shape = definition.input
        var sum = 0.0
        for channel in 0..<shape.channels {
            for place in 0..<shape.area {
                let x = Double(pixels[index * shape.count + place * shape.channels + channel]) / 255
                let difference = Double(decoded[channel * shape.area + place]) - x
                sum += difference * difference
            }
        }
        return sum / 2
    }
}

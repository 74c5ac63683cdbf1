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
    ///   - images: `[N, C, H, W]`.
    ///   - classes: of the images, for a conditional model.
    ///   - names: a caption for each.
    public func reconstructions(
        _ images: Tensor, classes: [Int]? = nil, names: [String], words: FigureWords
    ) throws -> (grid: ImageGrid, squaredErrors: [Double]) {
        let originals = try self.images(images)
        let count = originals.count
        let decoded = try plan.decode(plan.encode(images, classes: classes).mean, classes: classes)
        let errors = images.halfSquaredErrors(of: decoded)
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
}

extension InferencePlan {
    /// Mean ½‖x − x̂‖² of images `[N, C, H, W]` (or vectors `[N, D]`), x̂ decoded from the posterior's mean.
    public func meanSquaredError(_ images: Tensor, classes: [Int]? = nil) throws -> Double {
        let decoded = try decode(encode(images, classes: classes).mean, classes: classes)
        return images.halfSquaredErrors(of: decoded).reduce(0, +) / Double(max(1, images.count))
    }
}

extension Tensor {
    /// ½‖x − x̂‖² of each row x and the row x̂ of `others`, which has the same shape.
    func halfSquaredErrors(of others: Tensor) -> [Double] {
        (0..<count).map { row in
            zip(self[row], others[row]).reduce(0) { sum, pair in
                let difference = Double(pair.1) - Double(pair.0)
                return sum + difference * difference
            } / 2
        }
    }
}

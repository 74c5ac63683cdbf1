import Figures
import ImageFiles
import LatentTools
import ModelKit
import TensorCore
import TextSupport

extension Pictures {
    /// The decoder over a grid of two latent dimensions, axes labelled with their values.
    ///
    /// - Parameter width: about how wide the images should be together, in units of the figure.
    public func manifold(_ grid: LatentGrid, words: FigureWords, width: Int = 1240) throws -> ImageGrid {
        let side = max(definition.input.width, definition.input.height)
        let values = grid.values.map { Formatting.minus(Formatting.decimals($0, 2)) }
        var figure = ImageGrid(images: try decoded(grid.latents), columns: grid.size, words: words)
        figure.columnCaptions = values
        figure.rowCaptions = values.reversed()
        figure.axes = ImageGrid.Axes(xLabel: "z\(grid.horizontal)", yLabel: "z\(grid.vertical)")
        figure.scale = min(320 / side, max(1, Int((Double(width) / Double(grid.size * side)).rounded())))
        figure.gap = 2
        return figure
    }
}

import Figures
import ImageFiles
import LatentTools
import Planning
import TensorCore

/// A traversal and what is known about its dimensions.
struct TraversalFigure {
    let traversal: LatentTraversal
    /// KL and factors; nil where no data set could be looked at.
    let statistics: LatentStatistics?
    /// For column captions: the values, or what all rows have in common where the values differ.
    let columnCaptions: [String]
    /// What the rows start from: `z = 0`, `image 42 (5)`.
    let startName: String

    /// `z3`, its KL, and the factor it carries with their mutual information.
    func caption(of dimension: Int) -> [String] {
        var lines = ["z\(dimension)"]
        guard let statistics else { return lines }
        if statistics.isVariational { lines[0] += "  KL \(Formatting.decimals(statistics.kl[dimension], 2)) nats" }
        if let factor = factor(of: dimension) {
            lines.append("\(factor.name), MI \(Formatting.decimals(factor.nats, 2)) nats")
        }
        return lines
    }

    /// The factor that a dimension carries; nil if it tells less than 0.05 nats about any.
    func factor(of dimension: Int) -> (name: String, nats: Double)? {
        statistics?.strongestFactor(of: dimension).flatMap { $0.nats >= 0.05 ? $0 : nil }
    }
}

extension Pictures {
    /// A row for each dimension: the decoded start, then the dimension at each of its values.
    func traversal(_ figure: TraversalFigure, words: FigureWords) throws -> ImageGrid {
        let traversal = figure.traversal
        let start = try decoded([traversal.start])
        var grid = ImageGrid(images: [], columns: 1 + figure.columnCaptions.count, words: words)
        for row in traversal.rows { grid.images += start + (try decoded(traversal.latents(of: row))) }
        grid.rowCaptions = traversal.rows.map { figure.caption(of: $0.dimension).joined(separator: "\n") }
        grid.columnCaptions = ["start"] + figure.columnCaptions
        return grid
    }

    /// All dimensions moving through their values at once, an image each, there and back.
    func animation(_ figure: TraversalFigure, words: FigureWords) throws -> AnimationGIF {
        let rows = figure.traversal.rows
        let images = try rows.map { try decoded(figure.traversal.latents(of: $0)) }
        let frames = try figure.columnCaptions.indices.map { step in
            var grid = ImageGrid(
                images: images.map { $0[step] }, columns: Self.columns(for: rows.count), words: words)
            grid.imageCaptions = rows.map { figure.caption(of: $0.dimension).joined(separator: "\n") }
            grid.footer = "all dimensions at \(figure.columnCaptions[step])  ·  \(words.footer)"
            return try grid.rendered()
        }
        return AnimationGIF(frames: Self.thereAndBack(frames), secondsPerFrame: 0.12)
    }
}

import Figures
import ImageFiles
import LatentTools
import TextSupport

/// A traversal with the words around it.
public struct TraversalFigure {
    public let traversal: LatentTraversal
    /// Where the values of a row are taken.
    public let range: TraversalRange
    /// What is known about the dimension of each row.
    public let captions: [String]

    public init(traversal: LatentTraversal, range: TraversalRange, captions: [String]) {
        self.traversal = traversal
        self.range = range
        self.captions = captions
    }

    /// Least mutual information with a factor that is worth a caption, in nats.
    public static let leastInformation = 0.05

    /// `z3  KL 1.21 nats` and, below, the factor that the dimension carries, if it tells enough about one.
    public static func caption(_ dimension: Int, kl: Double?, factor: (name: String, nats: Double)? = nil) -> String {
        let first = "z\(dimension)" + (kl.map { "  KL \(Formatting.decimals($0, 2)) nats" } ?? "")
        guard let factor, factor.nats >= leastInformation else { return first }
        return "\(first)\n\(factor.name), MI \(Formatting.decimals(factor.nats, 2)) nats"
    }

    /// The values of the columns, or what all rows have in common where the values differ.
    public var columnCaptions: [String] { range.captions(steps: traversal.rows.first?.values.count ?? 0) }
}

extension Pictures {
    /// A row for each dimension: the decoded start, then the dimension at each of its values.
    public func traversal(_ figure: TraversalFigure, words: FigureWords) throws -> ImageGrid {
        let traversal = figure.traversal
        let columnCaptions = figure.columnCaptions
        var grid = ImageGrid(
            images: try decoded(traversal.rows.flatMap { [traversal.start] + traversal.latents(of: $0) }),
            columns: 1 + columnCaptions.count, words: words)
        grid.rowCaptions = figure.captions
        grid.columnCaptions = ["start"] + columnCaptions
        return grid
    }

    /// All dimensions moving through their values at once, an image each, there and back.
    public func animation(_ figure: TraversalFigure, words: FigureWords) throws -> AnimationGIF {
        let rows = figure.traversal.rows
        let images = try decoded(rows.flatMap { figure.traversal.latents(of: $0) })
        let columnCaptions = figure.columnCaptions
        let frames = try columnCaptions.indices.map { step in
            var grid = ImageGrid(
                images: rows.indices.map { images[$0 * columnCaptions.count + step] },
                columns: Self.columns(for: rows.count), words: words)
            grid.imageCaptions = figure.captions
            grid.title += ", at \(columnCaptions[step])"
            return try grid.rendered()
        }
        return AnimationGIF(frames: Self.thereAndBack(frames), secondsPerFrame: 0.12)
    }
}

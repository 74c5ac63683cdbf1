import Figures
import ImageFiles
import ModelKit
import Planning

extension Pictures {
    /// A grid of decoded latent vectors.
    ///
    /// Of a conditional model without a chosen class, each row is of one class, and each column of one latent vector.
    ///
    /// - Parameter columns: images in a row; nil for rows that fill a slide.
    public func samples(_ latents: [[Float]], columns: Int? = nil, words: FigureWords) throws -> ImageGrid {
        guard let count = definition.classCount, plan.imageClass == nil else {
            return ImageGrid(
                images: try decoded(latents), columns: columns ?? Self.columns(for: latents.count), words: words)
        }
        let row = Array(latents.prefix(max(1, latents.count / count)))
        var grid = ImageGrid(
            images: try decoded(
                (0..<count).flatMap { _ in row },
                classes: (0..<count).flatMap { [Int](repeating: $0, count: row.count) }), columns: row.count,
            words: words)
        grid.rowCaptions = (0..<count).map { "class \($0)" }
        return grid
    }

    /// A number of columns for a grid wider than high, full rows where `count` can be divided so.
    public static func columns(for count: Int) -> Int {
        let wished = (2.5 * Double(max(count, 1))).squareRoot()
        let even = (1...max(1, count)).filter {
            count % $0 == 0 && $0 * $0 >= count && Double($0) <= 2 * wished
        }
        return even.min { abs(Double($0) - wished) < abs(Double($1) - wished) } ?? Int(wished.rounded(.up))
    }
}

import Figures
import ImageFiles

extension Pictures {
    /// A grid of decoded latent vectors.
    ///
    /// - Parameter columns: images in a row; nil for rows that fill a slide.
    public func samples(_ latents: [[Float]], columns: Int? = nil, words: FigureWords) throws -> ImageGrid {
        ImageGrid(images: try decoded(latents), columns: columns ?? Self.columns(for: latents.count), words: words)
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

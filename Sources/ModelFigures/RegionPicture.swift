import Figures
import LatentTools
import TextSupport

/// A region in the picture: its measures and some of its latent vectors.
public struct RegionRow {
    public let analysis: RegionAnalysis
    public let latents: [[Float]]

    public init(analysis: RegionAnalysis, latents: [[Float]]) {
        self.analysis = analysis
        self.latents = latents
    }
}

extension Pictures {
    /// A row of samples for each region, its measures beside it.
    public func regions(_ rows: [RegionRow], words: FigureWords) throws -> ImageGrid {
        let columns = rows.map(\.latents.count).max() ?? 1
        let empty = try blank()
        var grid = ImageGrid(images: [], columns: columns, words: words)
        for row in rows {
            let images = try decoded(row.latents)
            grid.images += images + (images.count..<columns).map { _ in empty }
            let measures = row.analysis
            func text(_ value: Double, _ decimals: Int) -> String { Formatting.decimals(value, decimals) }
            let nearest = measures.nearestDistance.map { "nearest \(text($0, 2)) · " } ?? ""
            let clarity =
                measures.entropy.map { "entropy \(text($0, 3))" } ?? "sharpness \(text(measures.sharpness, 3))"
            grid.rowCaptions.append(
                "\(measures.name)\n\(nearest)cycle \(text(measures.cycleError, 2))\n"
                    + "\(clarity) · diversity \(text(measures.diversity, 2))")
        }
        return grid
    }
}

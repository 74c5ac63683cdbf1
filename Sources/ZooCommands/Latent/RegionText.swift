import LatentTools
import TextSupport

extension RegionVerdict {
    /// All numbers, a line per region.
    static func table(_ analyses: [RegionAnalysis]) -> [String] {
        var table = Table([
            ("REGION", .left), ("‖z‖", .right), ("NEAREST", .right), ("ENTROPY", .right), ("SHARPNESS", .right),
            ("DIVERSITY", .right), ("CYCLE", .right),
        ])
        func text(_ value: Double?, _ decimals: Int) -> String {
            value.map { Formatting.decimals($0, decimals) } ?? "–"
        }
        for row in analyses {
            table.add([
                row.name, text(row.latentNorm, 2), text(row.nearestDistance, 2), text(row.entropy, 4),
                text(row.sharpness, 4), text(row.diversity, 2), text(row.cycleError, 2),
            ])
        }
        return table.fittedLines
    }
}

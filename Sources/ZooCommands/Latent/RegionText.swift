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

extension RegionAnalysis {
    var json: JSONValue {
        .object([
            ("region", .string(name)), ("samples", .integer(sampleCount)), ("latent_norm", .number(latentNorm)),
            ("latent_norm_range", latentNorms.map { JSONValue([$0.lowerBound, $0.upperBound]) } ?? .null),
            ("nearest_training_distance", JSONValue(nearestDistance)), ("pixel_entropy", JSONValue(entropy)),
            ("sharpness", .number(sharpness)), ("diversity", .number(diversity)), ("cycle_error", .number(cycleError)),
        ])
    }
}

import Glibc
import LatentTools
import TensorCore

/// The interventional robustness score: how little a dimension moves while its factor is held and everything else changes (Suter and
/// others 2019, section 4; protocol of Locatello and others 2019, appendix C).
///
/// For each dimension and factor: 1 minus the 99 % quantile of |z − E[z | position]|, averaged over positions, divided by the largest
/// |z − E z|. A dimension's score is that of its best factor; the mean weighs dimensions by their largest deviation. 1 is the best.
public struct InterventionalRobustness: Sendable {
    public var samples = 10_000
    public var quantile = 0.99

    public init() {}

    public struct Result: Sendable, Equatable {
        public let score: Double
        /// A row for each factor, a column for each dimension; 0 for a dimension that never varies.
        public let robustness: [[Double]]
        /// The largest deviation of each dimension from its mean.
        public let deviations: [Double]
    }

    /// - Throws: `ZooError` where a factor never varies, or no dimension does.
    public func result(_ images: some EncodedImages, _ random: inout RandomNumbers) throws -> Result {
        try images.requireFactors()
        let drawn = images.draw(samples, &random)
        let codes = try images.codes(of: drawn)
        let columns = (0..<codes.size).map { codes.column($0).map(Double.init) }
        let deviations = columns.map { column in
            let mean = column.reduce(0, +) / Double(column.count)
            return column.reduce(0) { max($0, abs($1 - mean)) }
        }
        guard deviations.contains(where: { $0 > 0 }) else {
            throw ZooError("no latent dimension varies over the images, so none can be robust", code: .unsupported)
        }
        let robustness = images.factors.indices.map { factor in
            var members: [Int: [Int]] = [:]
            for (row, position) in images.positions(of: factor, drawn).enumerated() {
                members[position, default: []].append(row)
            }
            let groups = members.keys.sorted().compactMap { members[$0] }
            return zip(columns, deviations).map { column, deviation in
                guard deviation > 0 else { return 0.0 }
                let moved = groups.reduce(0.0) { sum, group in
                    let values = group.map { column[$0] }
                    let mean = values.reduce(0, +) / Double(values.count)
                    return sum + Self.quantile(values.map { abs($0 - mean) }, quantile)
                }
                return 1 - moved / Double(groups.count) / deviation
            }
        }
        let best = (0..<codes.size).map { dimension in robustness.map { $0[dimension] }.max() ?? 0 }
        let score = zip(best, deviations).reduce(0) { $0 + $1.0 * $1.1 } / deviations.reduce(0, +)
        return Result(score: score, robustness: robustness, deviations: deviations)
    }

    /// The quantile with linear interpolation between neighbours, NumPy's default.
    static func quantile(_ values: [Double], _ part: Double) -> Double {
        let sorted = values.sorted()
        let place = part * Double(sorted.count - 1)
        let low = Int(place.rounded(.down))
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
    }
}

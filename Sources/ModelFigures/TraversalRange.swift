import LatentTools
import TensorCore
import TextSupport

/// How far a traversal goes along a dimension.
public enum TraversalRange: Equatable, Sendable, CustomStringConvertible {
    case values(ClosedRange<Double>)
    /// Three deviations of the aggregate posterior on both sides of its mean, dimension by dimension.
    case posterior
    /// Gaussian quantiles.
    case quantile

    /// The values of a dimension.
    public func spacing(_ dimension: Int, _ statistics: LatentStatistics?) -> ValueSpacing {
        switch self {
        case .values(let range): return .even(range)
        case .quantile: return .quantiles
        case .posterior:
            guard let statistics else { return .even(-3...3) }
            let variance =
                statistics.covariance.isEmpty
                ? statistics.varianceOfMean[dimension]
                    + (statistics.meanVariance.isEmpty ? 0 : statistics.meanVariance[dimension])
                : statistics.covariance[dimension * statistics.latentSize + dimension]
            let reach = 3 * max(variance, 1e-12).squareRoot()
            let mean = statistics.meanOfMean[dimension]
            return .even(mean - reach...mean + reach)
        }
    }

    /// What the columns of all rows are at.
    public func captions(steps: Int) -> [String] {
        switch self {
        case .values(let range): Self.numbers(.even(range), steps, "")
        case .quantile: Self.numbers(.quantiles, steps, "")
        case .posterior: Self.numbers(.even(-3...3), steps, " σ")
        }
    }

    private static func numbers(_ spacing: ValueSpacing, _ steps: Int, _ unit: String) -> [String] {
        spacing.values(count: steps).map { value in
            let text = Formatting.minus(Formatting.decimals(value, 1))
            return (unit.isEmpty || value <= 0 ? text : "+" + text) + unit
        }
    }

    /// For the figure's last line.
    public var description: String {
        switch self {
        case .values(let range): "values \(Formatting.range(range))"
        case .quantile: "Gaussian quantiles"
        case .posterior: "mean ± 3 deviations of the aggregate posterior"
        }
    }
}

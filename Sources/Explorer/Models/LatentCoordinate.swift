import LatentTools
import ModelFigures
import ModelKit
import TensorCore
import TextSupport

/// What a slider says of one latent dimension.
struct LatentCoordinate: Sendable, Equatable {
    let dimension: Int
    /// Mean KL divergence in nats; nil for a plain autoencoder, and where nothing is known.
    let kl: Double?
    /// Whether it carries information; nil where nothing is known.
    let isActive: Bool?
    /// The factor that it tells most about, with their mutual information in nats.
    let factor: (name: String, nats: Double)?
    /// Of the aggregate posterior.
    let mean: Double
    let deviation: Double

    static func == (first: LatentCoordinate, second: LatentCoordinate) -> Bool {
        first.dimension == second.dimension && first.kl == second.kl && first.isActive == second.isActive
            && first.factor?.name == second.factor?.name && first.mean == second.mean
            && first.deviation == second.deviation
    }

    /// The values that a slider reaches: three deviations to both sides of the mean, where there is a prior at least −3…3.
    func range(hasPrior: Bool) -> ClosedRange<Double> {
        let reach = 3 * max(deviation, 1e-3)
        let range = mean - reach...mean + reach
        guard hasPrior else { return range }
        return min(-3, range.lowerBound)...max(3, range.upperBound)
    }

    /// All dimensions, those that carry most first.
    ///
    /// - Parameter statistics: nil where no image has been encoded: then all are alike, as the prior has them.
    static func all(of definition: ModelDefinition, _ statistics: LatentStatistics?) -> [LatentCoordinate] {
        guard let statistics, statistics.latentSize == definition.latentSize else {
            return (0..<definition.latentSize).map {
                LatentCoordinate(dimension: $0, kl: nil, isActive: nil, factor: nil, mean: 0, deviation: 1)
            }
        }
        return statistics.dimensionsByInformation.map { d in
            let variance = statistics.varianceOfMean[d] + (statistics.isVariational ? statistics.meanVariance[d] : 0)
            let factor = statistics.strongestFactor(of: d).flatMap {
                $0.nats >= TraversalFigure.leastInformation ? $0 : nil
            }
            return LatentCoordinate(
                dimension: d, kl: statistics.kl(of: d), isActive: statistics.active[d], factor: factor,
                mean: statistics.meanOfMean[d], deviation: max(0, variance).squareRoot())
        }
    }

    func json(hasPrior: Bool) -> JSONValue {
        let range = range(hasPrior: hasPrior)
        return .object([
            ("dimension", .integer(dimension)), ("kl", JSONValue(kl)),
            ("active", isActive.map { .boolean($0) } ?? .null),
            (
                "factor",
                factor.map { .object([("name", .string($0.name)), ("nats", .number($0.nats))]) } ?? .null
            ),
            ("mean", .number(mean)), ("deviation", .number(deviation)), ("low", .number(range.lowerBound)),
            ("high", .number(range.upperBound)),
        ])
    }
}

import Datasets
import LatentTools
import ModelFigures
import TensorCore
import TextSupport

/// The codes of images of a split, and what is known of the images: the points of the map.
struct CodeMap: Sendable {
    let codes: LatentCodes
    let factors: [KnownFactor]
    /// The names of the positions of each factor.
    let positionNames: [[String]]
    /// The two directions in which the codes vary most; nil for one or two dimensions, which are shown as they are.
    let principal: PrincipalComponents?
    let statistics: LatentStatistics

    /// - Parameters:
    ///   - codes: of images of `dataset`.
    ///   - split: which split they are of.
    init(_ codes: LatentCodes, of dataset: any Dataset, split: Split) {
        self.codes = codes
        factors = KnownFactor.all(of: dataset, indices: codes.imageIndices)
        positionNames = factors.map { $0.positionNames(in: dataset.info) }
        statistics = LatentStatistics(
            codes, split: split.rawValue, dataset: dataset.info.name, factors: factors)
        principal =
            codes.latentSize > 2
            ? PrincipalComponents(mean: statistics.meanOfMean, covariance: statistics.covarianceOfMean) : nil
    }

    /// Everything but the codes.
    var json: JSONValue {
        let directions = principal.map { components in
            JSONValue.object([
                ("mean", JSONValue(components.mean)),
                ("directions", .array(components.directions.prefix(2).map { JSONValue($0) })),
                ("shares", .array((0..<2).map { .number(components.share(of: $0)) })),
            ])
        }
        return .object([
            ("count", .integer(codes.imageCount)),
            ("indices", .array(codes.imageIndices.map { .integer(Int($0)) })),
            ("principal", directions ?? .null),
            (
                "factors",
                .array(
                    zip(factors, positionNames).map { factor, names in
                        .object([
                            ("name", .string(factor.name)), ("names", .array(names.map { .string($0) })),
                            ("positions", .array(factor.positions.map { .integer($0) })),
                        ])
                    })
            ),
        ])
    }
}

import LatentTools
import TensorCore

/// Modularity: how far each dimension knows about one factor only (Ridgeway and Mozer 2018, section 3; protocol of Locatello and others
/// 2019, appendix C). 1 is the best; a dimension that knows nothing counts as 0.
public struct Modularity: Sendable {
    public var samples = 10_000
    public var bins = MutualInformation.binCount

    public init() {}

    public struct Result: Sendable, Equatable {
        /// The mean over dimensions.
        public let modularity: Double
        /// Of each dimension.
        public let ofDimensions: [Double]
        /// Nats, a row for each factor, a column for each dimension.
        public let information: [[Double]]
    }

    /// - Throws: `ZooError` for fewer than two factors that vary.
    public func result(_ images: some EncodedImages, _ random: inout RandomNumbers) throws -> Result {
        try images.requireFactors(atLeast: 2)
        let drawn = images.draw(samples, &random)
        let information = MutualInformation.table(try images.codes(of: drawn), images, drawn, bins: bins)
        let scores = (0..<images.latentSize).map { dimension in
            let squares = information.map { $0[dimension] * $0[dimension] }
            let largest = squares.max() ?? 0
            guard largest > 0 else { return 0.0 }
            return 1 - (squares.reduce(0, +) - largest) / (largest * Double(squares.count - 1))
        }
        return Result(
            modularity: scores.reduce(0, +) / Double(scores.count), ofDimensions: scores, information: information)
    }
}

/// Explicitness: how well a linear classifier reads each position of each factor off the codes, as the area under the receiver
/// operating characteristic, one position against the others (Ridgeway and Mozer 2018, section 3). 1 is the best, 0.5 is chance.
public struct Explicitness: Sendable {
    public var trainingSamples = 10_000
    public var testSamples = 5_000

    public init() {}

    public struct Result: Sendable, Equatable {
        public let training: Double
        public let test: Double
        /// On test images, of each factor.
        public let ofFactors: [Double]
    }

    /// - Throws: `ZooError` where a factor never varies.
    public func result(_ images: some EncodedImages, _ random: inout RandomNumbers) throws -> Result {
        try images.requireFactors()
        let (train, test) = (images.draw(trainingSamples, &random), images.draw(testSamples, &random))
        let trainCodes = try images.codes(of: train)
        let moments = Codes.Moments(of: trainCodes)
        let standardized = trainCodes.standardized(by: moments)
        let testCodes = try images.codes(of: test).standardized(by: moments)
        let areas = try images.factors.indices.concurrentMap { factor in
            let positions = images.positions(of: factor, train)
            let classifier = try LinearClassifier(standardized, labels: positions, loss: .logistic)
            return (
                classifier.meanArea(standardized, positions),
                classifier.meanArea(testCodes, images.positions(of: factor, test))
            )
        }
        let count = Double(areas.count)
        return Result(
            training: areas.reduce(0) { $0 + $1.0 } / count, test: areas.reduce(0) { $0 + $1.1 } / count,
            ofFactors: areas.map(\.1))
    }
}

extension LinearClassifier {
    /// The mean area under the receiver operating characteristic of the classes that occur, each against the others.
    fileprivate func meanArea(_ codes: Codes, _ labels: [Int]) -> Double {
        let probabilities = (0..<codes.count).map { self.probabilities(codes[$0]) }
        let areas = classes.indices.compactMap { index in
            RankStatistics.areaUnderCurve(
                scores: probabilities.map { $0[index] }, isPositive: labels.map { $0 == classes[index] })
        }
        return areas.isEmpty ? 0.5 : areas.reduce(0, +) / Double(areas.count)
    }
}

import LatentTools
import TensorCore

/// The SAP score: for each factor, how much better the best single dimension predicts it than the second best (Kumar and others 2018,
/// section 3; protocol of Locatello and others 2019, appendix C: a linear support vector machine with C = 0.01 and balanced classes,
/// accuracy on other images). 0 is the worst; it cannot reach 1.
public struct SeparatedAttributePredictability: Sendable {
    public var trainingSamples = 10_000
    public var testSamples = 5_000
    public var cost = 0.01

    public init() {}

    public struct Result: Sendable, Equatable {
        /// The mean over factors.
        public let score: Double
        /// Of each factor.
        public let gaps: [Double]
        /// Accuracy on test images, a row for each factor, a column for each dimension.
        public let accuracies: [[Double]]
    }

    /// - Throws: `ZooError` where a factor never varies.
    public func result(_ images: some EncodedImages, _ random: inout RandomNumbers) throws -> Result {
        try images.requireFactors()
        let (train, test) = (images.draw(trainingSamples, &random), images.draw(testSamples, &random))
        let (trainCodes, testCodes) = (try images.codes(of: train), try images.codes(of: test))
        let size = images.latentSize
        let pairs = (0..<images.factors.count * size)
        let columns = (0..<size).map { dimension in
            (
                Codes(values: trainCodes.column(dimension), size: 1),
                Codes(values: testCodes.column(dimension), size: 1)
            )
        }
        let accuracies = try pairs.concurrentMap { pair in
            let (factor, dimension) = (pair / size, pair % size)
            let classifier = try LinearClassifier(
                columns[dimension].0, labels: images.positions(of: factor, train), loss: .squaredHinge, cost: cost,
                balanced: true)
            return classifier.accuracy(columns[dimension].1, labels: images.positions(of: factor, test))
        }
        let table = images.factors.indices.map { Array(accuracies[$0 * size..<($0 + 1) * size]) }
        let gaps = table.map { row in
            let sorted = row.sorted(by: >)
            return sorted[0] - (sorted.count > 1 ? sorted[1] : 0)
        }
        return Result(score: gaps.reduce(0, +) / Double(gaps.count), gaps: gaps, accuracies: table)
    }
}

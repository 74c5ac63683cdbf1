import LatentTools
import TensorCore

/// The FactorVAE score: how well the dimension that varies least says which factor was held fixed (Kim and Mnih 2018, section 4;
/// protocol of Locatello and others 2019, appendix C).
///
/// Each observation is the dimension with the smallest variance over images that agree in one factor, relative to its variance over
/// all images; a majority vote maps dimensions to factors. 1 is the best.
public struct FactorVAEScore: Sendable {
    public var imagesPerObservation = 64
    public var trainingObservations = 10_000
    public var testObservations = 5_000
    public var varianceSamples = 10_000
    /// Dimensions whose deviation over all images is below this do not take part. The published protocol leaves out none; a dimension
    /// that never varies cannot take part.
    public var smallestDeviation = 0.0

    public init() {}

    public struct Result: Sendable, Equatable {
        public let training: Double
        public let test: Double
        /// Training observations of each factor (rows) in which each dimension (columns) varied least.
        public let votes: [[Double]]
        /// Whether each dimension takes part.
        public let isActive: [Bool]
    }

    /// - Throws: `ZooError` for fewer than two factors that vary, or where no dimension varies.
    public func result(_ images: some EncodedImages, _ random: inout RandomNumbers) throws -> Result {
        try images.requireFactors(atLeast: 2)
        let drawn = images.draw(varianceSamples, &random)
        try images.prepare(drawn)
        let variances = try images.codes(of: drawn).variances
        let isActive = variances.map { $0 > 0 && $0.squareRoot() >= smallestDeviation }
        guard isActive.contains(true) else {
            throw ZooError(
                "no latent dimension varies over the images, so none can say which factor was held fixed",
                code: .unsupported)
        }
        let sampler = FixedFactorSampler(images)
        let total = trainingObservations + testObservations
        var labels: [Int] = []
        var batches: [Int] = []
        for _ in 0..<total {
            let factor = random.integer(below: images.factors.count)
            labels.append(factor)
            batches += sampler.draw(imagesPerObservation, fixing: factor, imageCount: images.count, &random)
        }
        let least = try images.reduced(batches, groups: total) { codes in
            let relative = zip(codes.variances, zip(variances, isActive)).map { own, all in
                all.1 ? own / all.0 : .infinity
            }
            return [Float(relative.indices.min { relative[$0] < relative[$1] } ?? 0)]
        }.map { Int($0) }
        let factorCount = images.factors.count
        var votes = [[Int]](repeating: [Int](repeating: 0, count: factorCount), count: images.latentSize)
        for (dimension, label) in zip(least, labels).prefix(trainingObservations) { votes[dimension][label] += 1 }
        let majority = votes.map { votes in votes.indices.max { votes[$0] < votes[$1] } ?? 0 }
        let test = zip(least, labels).dropFirst(trainingObservations).count { majority[$0] == $1 }
        let training = zip(least, labels).prefix(trainingObservations).count { majority[$0] == $1 }
        return Result(
            training: Double(training) / Double(trainingObservations), test: Double(test) / Double(testObservations),
            votes: (0..<factorCount).map { factor in votes.map { Double($0[factor]) } }, isActive: isActive)
    }
}

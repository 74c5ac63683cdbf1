import LatentTools
import TensorCore

/// The mutual information gap: for each factor, how much more the dimension that knows most about it knows than the second, as a share
/// of the factor's entropy (Chen and others 2018, section 4.1; protocol of Locatello and others 2019, appendix C: dimensions cut into 20
/// bins of one width). 1 is the best, 0 the worst.
public struct MutualInformationGap: Sendable {
    public var samples = 10_000
    public var bins = MutualInformation.binCount

    public init() {}

    public struct Result: Sendable, Equatable {
        /// The mean over factors.
        public let gap: Double
        /// Of each factor.
        public let gaps: [Double]
        /// Nats, a row for each factor, a column for each dimension.
        public let information: [[Double]]
    }

    /// - Throws: `ZooError` where a factor never varies.
    public func result(_ images: some EncodedImages, _ random: inout RandomNumbers) throws -> Result {
        try images.requireFactors()
        let drawn = images.draw(samples, &random)
        let codes = try images.codes(of: drawn)
        let information = MutualInformation.table(codes, images, drawn, bins: bins)
        let gaps = images.factors.indices.map { factor in
            let entropy = MutualInformation.entropy(images.positions(of: factor, drawn))
            let sorted = information[factor].sorted(by: >)
            // With one dimension, the second knows nothing.
            return entropy > 0 ? (sorted[0] - (sorted.count > 1 ? sorted[1] : 0)) / entropy : 0
        }
        return Result(gap: gaps.reduce(0, +) / Double(gaps.count), gaps: gaps, information: information)
    }
}

extension MutualInformation {
    /// I(factor; dimension) in nats, a row for each factor, a column for each dimension.
    static func table(_ codes: Codes, _ images: some EncodedImages, _ drawn: [Int], bins count: Int) -> [[Double]] {
        let binned = (0..<codes.size).map { bins(codes.column($0), count: count) }
        return images.factors.indices.map { factor in
            let positions = images.positions(of: factor, drawn)
            return binned.map { between($0, positions) }
        }
    }
}

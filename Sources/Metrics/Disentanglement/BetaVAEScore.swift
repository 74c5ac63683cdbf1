import LatentTools
import TensorCore

/// The β-VAE score: how well a linear classifier tells which factor two images have in common (Higgins and others 2017, section 3;
/// protocol of Locatello and others 2019, appendix C).
///
/// An observation is the mean of |z₁ − z₂| over pairs of images that agree in one factor, drawn at random. 1 is the best; a
/// classifier that guesses reaches 1 divided by the number of factors.
public struct BetaVAEScore: Sendable {
    public var pairsPerObservation = 64
    public var trainingObservations = 10_000
    public var testObservations = 5_000

    public init() {}

    /// The classifier's accuracy on training and test observations.
    public struct Result: Sendable, Equatable {
        public let training: Double
        public let test: Double
    }

    /// - Throws: `ZooError` for fewer than two factors that vary.
    public func result(_ images: some EncodedImages, _ random: inout RandomNumbers) throws -> Result {
        try images.requireFactors(atLeast: 2)
        let sampler = FixedFactorSampler(images)
        let total = trainingObservations + testObservations
        var labels: [Int] = []
        var pairs: [Int] = []
        pairs.reserveCapacity(total * pairsPerObservation * 2)
        for _ in 0..<total {
            let factor = random.integer(below: images.factors.count)
            labels.append(factor)
            for _ in 0..<pairsPerObservation {
                pairs += sampler.draw(2, fixing: factor, imageCount: images.count, &random)
            }
        }
        let differences = Codes(
            values: try images.reduced(pairs, groups: total) { codes in
                var means = [Float](repeating: 0, count: codes.size)
                for pair in stride(from: 0, to: codes.count, by: 2) {
                    for (d, (a, b)) in zip(codes[pair], codes[pair + 1]).enumerated() { means[d] += abs(a - b) }
                }
                return means.map { $0 / Float(codes.count / 2) }
            }, size: images.latentSize)
        let (train, test) = differences.split(trainingObservations)
        let trainLabels = Array(labels.prefix(trainingObservations))
        let classifier = try LinearClassifier(train, labels: trainLabels, loss: .logistic)
        return Result(
            training: classifier.accuracy(train, labels: trainLabels),
            test: classifier.accuracy(test, labels: Array(labels.dropFirst(trainingObservations))))
    }
}

extension EncodedImages {
    /// One row of numbers for each of `groups` equal groups of images.
    ///
    /// The codes are asked for in large pieces, so that images are encoded in full batches and few are in memory.
    func reduced(_ images: [Int], groups: Int, _ reduce: (Codes) -> [Float]) throws -> [Float] {
        let size = images.count / max(1, groups)
        let groupsAtOnce = max(1, 65_536 / max(1, size))
        try prepare(images)
        var result: [Float] = []
        for start in stride(from: 0, to: groups, by: groupsAtOnce) {
            let end = min(start + groupsAtOnce, groups)
            let codes = try codes(of: Array(images[start * size..<end * size]))
            for group in 0..<end - start {
                let rows = codes.values[group * size * latentSize..<(group + 1) * size * latentSize]
                result += reduce(Codes(values: Array(rows), size: latentSize))
            }
        }
        return result
    }
}

extension Codes {
    /// The first rows, and the others.
    func split(_ count: Int) -> (Codes, Codes) {
        (
            Codes(values: Array(values[..<(count * size)]), size: size),
            Codes(values: Array(values[(count * size)...]), size: size)
        )
    }
}

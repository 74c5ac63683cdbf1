import Glibc
import LatentTools
import TensorCore

/// The mean KL divergence of posteriors from N(0, I), taken apart: mutual information of image and code, total correlation of the code,
/// and the divergences of its dimensions (Hoffman and Johnson 2016; Chen and others 2018, equation 2). The three sum to the KL.
///
/// The density of all codes together is that of the mixture of the posteriors of the N images. An image's own posterior is one of the
/// N, so for few images or narrow posteriors the density is too high at its codes, and the mutual information, which cannot exceed
/// log N, too low; total correlation and dimension-wise KL take up what it misses.
public struct ELBODecomposition: Sendable, Equatable {
    /// I(x; z), nats.
    public let mutualInformation: Double
    /// KL(q(z) ‖ Π q(z_d)), nats.
    public let totalCorrelation: Double
    /// Σ KL(q(z_d) ‖ N(0, 1)), nats.
    public let dimensionWiseKL: Double
    /// log N, which the mutual information cannot exceed.
    public let limit: Double

    /// - Parameters:
    ///   - means: μ of N images.
    ///   - logVariances: log σ² of the same images.
    ///   - samples: codes that the expectations are taken over, one from the posterior of each of so many images.
    /// - Throws: `ZooError` (wrong usage) for fewer than two images.
    public init(means: Codes, logVariances: Codes, samples: Int, _ random: inout RandomNumbers) throws {
        precondition(means.values.count == logVariances.values.count, "means and variances do not fit")
        guard means.count > 1, samples > 0 else {
            throw ZooError("\(means.count) images have no aggregate posterior: at least 2 are needed", kind: .usage)
        }
        let (count, size) = (means.count, means.size)
        let chosen = random.sample(Array(0..<count), count: samples)
        let noise = chosen.map { _ in (0..<size).map { _ in random.normal() } }
        // Constants of each posterior, dimensions first: −½ log 2πσ², and 1/σ.
        let logTwoPi = log(2 * Double.pi)
        var constants = [Double](repeating: 0, count: size * count)
        var precisions = constants
        var centres = constants
        for image in 0..<count {
            for d in 0..<size {
                let logVariance = Double(logVariances.values[image * size + d])
                constants[d * count + image] = -0.5 * (logTwoPi + logVariance)
                precisions[d * count + image] = exp(-0.5 * logVariance)
                centres[d * count + image] = Double(means.values[image * size + d])
            }
        }
        let rows = try chosen.indices.concurrentMap { place in
            let image = chosen[place]
            var joint = [Double](repeating: 0, count: count)
            var (own, prior, marginals) = (0.0, 0.0, 0.0)
            var densities = [Double](repeating: 0, count: count)
            for d in 0..<size {
                let start = d * count
                let z = centres[start + image] + noise[place][d] / precisions[start + image]
                for other in 0..<count {
                    let scaled = (z - centres[start + other]) * precisions[start + other]
                    let density = constants[start + other] - 0.5 * scaled * scaled
                    densities[other] = density
                    joint[other] += density
                }
                own += densities[image]
                prior -= 0.5 * (logTwoPi + z * z)
                marginals += Self.logMeanExp(densities)
            }
            let aggregate = Self.logMeanExp(joint)
            return (own - aggregate, aggregate - marginals, marginals - prior)
        }
        let total = Double(rows.count)
        mutualInformation = rows.reduce(0) { $0 + $1.0 } / total
        totalCorrelation = rows.reduce(0) { $0 + $1.1 } / total
        dimensionWiseKL = rows.reduce(0) { $0 + $1.2 } / total
        limit = log(Double(count))
    }

    /// log of the mean of exponentials.
    static func logMeanExp(_ values: [Double]) -> Double {
        let largest = values.max() ?? 0
        guard largest.isFinite else { return largest }
        return largest + log(values.reduce(0) { $0 + exp($1 - largest) } / Double(values.count))
    }
}

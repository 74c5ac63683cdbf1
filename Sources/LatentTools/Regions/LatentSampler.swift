import Glibc
import TensorCore

/// Draws latent vectors: a function of the seed and the number of the draw alone, so that the first draws of a longer list
/// are those of a shorter one.
public struct LatentSampler: Sendable {
    /// D.
    public let size: Int
    public let seed: UInt64
    /// Multiplies the deviations of Gaussians; 1 leaves them as they are.
    public let temperature: Float

    public init(size: Int, seed: UInt64, temperature: Float = 1) {
        self.size = size
        self.seed = seed
        self.temperature = temperature
    }

    private var stream: RandomStream { RandomStream(seed: seed, purpose: .sampling) }

    /// The first element of the stream that belongs to a draw.
    private func firstElement(_ draw: Int) -> UInt64 {
        RandomStream.firstElement(image: Int32(truncatingIfNeeded: draw), count: size)
    }

    /// Standard normal numbers times the temperature, `[D]`.
    private func noise(_ draw: Int) -> [Float] {
        let first = firstElement(draw)
        return (0..<size).map { temperature * stream.normal(first + UInt64($0)) }
    }

    /// `count` draws from N(0, temperature²·I), `[count][D]`.
    public func prior(count: Int) -> [[Float]] { (0..<count).map(noise) }

    /// `count` draws from N(mean, deviation²·temperature²·I).
    public func around(_ mean: [Float], deviation: Double, count: Int) -> [[Float]] {
        (0..<count).map { draw in zip(mean, noise(draw)).map { $0 + Float(deviation) * $1 } }
    }

    /// `count` draws from a Gaussian with the given mean `[D]` and covariance (D × D row-major).
    public func gaussian(mean: [Double], covariance: [Double], count: Int) -> [[Float]] {
        let factor = Cholesky.factor(of: covariance, size: size)
        return (0..<count).map { draw in
            let noise = noise(draw)
            return (0..<size).map { row in
                Float((0...row).reduce(mean[row]) { $0 + factor[row * size + $1] * Double(noise[$1]) })
            }
        }
    }

    /// `count` points evenly on the sphere of a radius around 0.
    public func shell(radius: Double, count: Int) -> [[Float]] {
        let standard = LatentSampler(size: size, seed: seed)
        return (0..<count).map { draw in
            let direction = standard.noise(draw).map(Double.init)
            let norm = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            // All numbers 0 has no direction; it happens never.
            guard norm > 0 else { return [Float(radius)] + [Float](repeating: 0, count: size - 1) }
            return direction.map { Float($0 / norm * radius) }
        }
    }

    /// `count` points evenly in the box `range`ᴰ.
    public func box(_ range: ClosedRange<Double>, count: Int) -> [[Float]] {
        (0..<count).map { draw in
            let first = firstElement(draw)
            return (0..<size).map { d in
                let share = Double(stream.uniform(first + UInt64(d)))
                return Float(range.lowerBound + (range.upperBound - range.lowerBound) * share)
            }
        }
    }

    /// `count` draws from the mixture of the posteriors N(mean, exp(logVariance)) of images: for each draw an image at
    /// random, then its posterior.
    ///
    /// - Parameters:
    ///   - means, logVariances: N × D row-major.
    public func posterior(means: [Float], logVariances: [Float], count: Int) -> [[Float]] {
        let choice = RandomStream(seed: seed, purpose: .sampling, step: 2)
        let images = max(1, means.count / max(1, size))
        return (0..<count).map { draw in
            let start = choice.integer(UInt64(draw), below: images) * size
            return noise(draw).enumerated().map { d, noise in
                means[start + d] + exp(logVariances[start + d] / 2) * noise
            }
        }
    }
}

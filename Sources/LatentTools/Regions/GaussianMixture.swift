import Glibc
import TensorCore

/// A mixture of K Gaussians with full covariances, fitted to codes by expectation maximisation (Dempster, Laird and Rubin 1977): what a
/// regularised autoencoder is drawn from (Ghosh and others 2020, section 4).
public struct GaussianMixture: Sendable {
    /// π, `[K]`.
    public private(set) var weights: [Double]
    /// `[K][D]`.
    public private(set) var means: [[Double]]
    /// Lower triangular L with L·Lᵀ the covariance, `[K]`, each D × D row-major.
    public private(set) var factors: [[Double]]
    /// Mean log likelihood of the codes in nats, after each step of the fit; it never falls by more than rounding.
    public private(set) var logLikelihoods: [Double] = []
    private let size: Int

    /// Added to the variances, so that a component cannot shrink to a point.
    private static let leastVariance = 1e-6
    private static let most = 200

    /// Fits to codes, beginning with means that are codes far from each other (Arthur and Vassilvitskii 2007).
    ///
    /// - Parameters:
    ///   - codes: N × D row-major.
    ///   - size: D.
    ///   - components: K.
    ///   - seed: the same seed gives the same mixture.
    /// - Throws: `ZooError` (wrong usage) for fewer codes than components.
    public init(fittedTo codes: [Float], size: Int, components: Int, seed: UInt64) throws {
        let count = codes.count / max(1, size)
        guard (1...count).contains(components), size > 0 else {
            throw ZooError(
                "\(components) Gaussians cannot be fitted to \(count) codes", advice: "ask for fewer components",
                kind: .usage)
        }
        self.size = size
        let rows = codes.map(Double.init)
        weights = [Double](repeating: 1 / Double(components), count: components)
        means = Self.distantRows(rows, size: size, components, seed: seed)
        let deviations = Self.covariance(of: rows, size: size, count: count)
        factors = [[Double]](repeating: Cholesky.factor(of: deviations, size: size), count: components)
        for _ in 0..<Self.most {
            let (responsibilities, logLikelihood) = expectation(rows, count: count)
            let last = logLikelihoods.last
            logLikelihoods.append(logLikelihood)
            if let last, logLikelihood - last < 1e-4 { break }
            maximize(rows, count: count, responsibilities)
        }
    }

    /// `count` draws, `[count][D]`: for each a component at random, then a draw from it.
    ///
    /// - Parameter temperature: factor of the deviations.
    public func draws(count: Int, seed: UInt64, temperature: Float = 1) -> [[Float]] {
        let noise = LatentSampler(size: size, seed: seed, temperature: temperature).prior(count: count)
        let choice = RandomStream(seed: seed, purpose: .sampling, step: 3)
        return noise.enumerated().map { draw, noise in
            var left = Double(choice.uniform(UInt64(draw)))
            let component =
                weights.indices.first { component in
                    left -= weights[component]
                    return left < 0
                } ?? weights.count - 1
            let (mean, factor) = (means[component], factors[component])
            return (0..<size).map { row in
                Float((0...row).reduce(mean[row]) { $0 + factor[row * size + $1] * Double(noise[$1]) })
            }
        }
    }

    // MARK: Fitting

    /// The first at random, each other with a probability that grows with the squared distance to the nearest before.
    private static func distantRows(_ rows: [Double], size: Int, _ count: Int, seed: UInt64) -> [[Double]] {
        let stream = RandomStream(seed: seed, purpose: .sampling, step: 4)
        let total = rows.count / size
        func row(_ index: Int) -> [Double] { Array(rows[index * size..<(index + 1) * size]) }
        var chosen = [row(stream.integer(0, below: total))]
        var distances = [Double](repeating: .infinity, count: total)
        while chosen.count < count {
            let last = chosen[chosen.count - 1]
            var sum = 0.0
            for n in 0..<total {
                var distance = 0.0
                for d in 0..<size {
                    let difference = rows[n * size + d] - last[d]
                    distance += difference * difference
                }
                distances[n] = min(distances[n], distance)
                sum += distances[n]
            }
            var left = Double(stream.uniform(UInt64(chosen.count))) * sum
            let next =
                distances.indices.first { index in
                    left -= distances[index]
                    return left < 0
                } ?? total - 1
            chosen.append(row(next))
        }
        return chosen
    }

    private static func covariance(of rows: [Double], size: Int, count: Int) -> [Double] {
        var mean = [Double](repeating: 0, count: size)
        for n in 0..<count { for d in 0..<size { mean[d] += rows[n * size + d] / Double(count) } }
        var covariance = [Double](repeating: 0, count: size * size)
        for n in 0..<count {
            for i in 0..<size {
                let deviation = rows[n * size + i] - mean[i]
                for j in 0...i {
                    covariance[i * size + j] += deviation * (rows[n * size + j] - mean[j]) / Double(count)
                }
            }
        }
        for i in 0..<size {
            covariance[i * size + i] += leastVariance
            for j in 0..<i { covariance[j * size + i] = covariance[i * size + j] }
        }
        return covariance
    }

    /// p(k|x) of each code, N × K row-major, and the mean of log p(x).
    private func expectation(_ rows: [Double], count: Int) -> ([Double], Double) {
        let components = weights.count
        var responsibilities = [Double](repeating: 0, count: count * components)
        var total = 0.0
        let constants = factors.enumerated().map { component, factor in
            var logDeterminant = 0.0
            for d in 0..<size { logDeterminant += log(max(factor[d * size + d], 1e-300)) }
            return log(max(weights[component], 1e-300)) - logDeterminant - 0.5 * Double(size) * log(2 * Double.pi)
        }
        var solved = [Double](repeating: 0, count: size)
        for n in 0..<count {
            var most = -Double.infinity
            for component in 0..<components {
                let (mean, factor) = (means[component], factors[component])
                var square = 0.0
                for i in 0..<size {
                    var value = rows[n * size + i] - mean[i]
                    for j in 0..<i { value -= factor[i * size + j] * solved[j] }
                    let pivot = factor[i * size + i]
                    solved[i] = pivot > 0 ? value / pivot : 0
                    square += solved[i] * solved[i]
                }
                let logDensity = constants[component] - 0.5 * square
                responsibilities[n * components + component] = logDensity
                most = max(most, logDensity)
            }
            var sum = 0.0
            for component in 0..<components {
                let share = exp(responsibilities[n * components + component] - most)
                responsibilities[n * components + component] = share
                sum += share
            }
            for component in 0..<components { responsibilities[n * components + component] /= sum }
            total += most + log(sum)
        }
        return (responsibilities, total / Double(count))
    }

    private mutating func maximize(_ rows: [Double], count: Int, _ responsibilities: [Double]) {
        let components = weights.count
        for component in 0..<components {
            var mass = 0.0
            var mean = [Double](repeating: 0, count: size)
            for n in 0..<count {
                let share = responsibilities[n * components + component]
                mass += share
                for d in 0..<size { mean[d] += share * rows[n * size + d] }
            }
            // A component that has lost all codes stays where it is, with no weight.
            weights[component] = mass / Double(count)
            guard mass > 1e-10 else { continue }
            for d in 0..<size { mean[d] /= mass }
            var covariance = [Double](repeating: 0, count: size * size)
            for n in 0..<count {
                let share = responsibilities[n * components + component] / mass
                guard share > 1e-14 else { continue }
                for i in 0..<size {
                    let deviation = share * (rows[n * size + i] - mean[i])
                    for j in 0...i { covariance[i * size + j] += deviation * (rows[n * size + j] - mean[j]) }
                }
            }
            for i in 0..<size {
                covariance[i * size + i] += Self.leastVariance
                for j in 0..<i { covariance[j * size + i] = covariance[i * size + j] }
            }
            means[component] = mean
            factors[component] = Cholesky.factor(of: covariance, size: size)
        }
    }
}

import TensorCore

/// Points of many dimensions laid out in the plane so that neighbours stay neighbours: t-SNE (van der Maaten and Hinton 2008).
///
/// The probabilities of far pairs are taken as 0 and the repulsion of far points is summed up by a tree of squares (van der
/// Maaten 2014), so that the time grows as N log N. Distances between groups and the sizes of groups mean little in the result.
/// The same points give the same positions on any number of threads.
public struct TSNE: Sendable, Equatable {
    /// How the layout is found.
    public struct Settings: Sendable, Equatable {
        /// How many neighbours a point has, softly counted; at most a third of the other points.
        public var perplexity = 30.0
        /// Steps of gradient descent; in the first quarter of them neighbours attract each other twelve times as strongly.
        public var iterations = 1_000
        /// The width of a square over its distance up to which it counts as one point; 0 takes every point on its own.
        public var angle = 0.5

        public init() {}
    }

    /// The positions, N × 2, row after row; their middle is 0.
    public let positions: [Float]
    /// Σ p log(p/q) over pairs, in nats: how far the neighbourhoods of the plane are from those of the points.
    public let divergence: Double

    /// - Parameters:
    ///   - points: N × D, row after row.
    ///   - size: D.
    ///   - progress: is told the share that is done, from 0 to 1.
    /// - Throws: `ZooError` for fewer than four points or one that is not finite, and what `progress` throws.
    public init(
        of points: [Float], size: Int, settings: Settings = Settings(), progress: (Double) throws -> Void = { _ in }
    ) throws {
        let count = size > 0 ? points.count / size : 0
        guard count >= 4, count * size == points.count else {
            throw ZooError("t-SNE needs at least four points, found \(count)", kind: .usage)
        }
        guard points.allSatisfy(\.isFinite) else {
            throw ZooError("t-SNE needs finite numbers, and a code is not finite", kind: .usage, code: .notFinite)
        }
        let perplexity = min(max(settings.perplexity, 1), Double(count - 1) / 3)
        let affinities = try Affinities(of: points, size: size, perplexity: perplexity)
        var layout = Layout(principal: points, size: size)
        let early = settings.iterations / 4
        let rate = max(Double(count) / Self.exaggeration / 4, 50)
        for iteration in 0..<settings.iterations {
            let isEarly = iteration < early
            let gradient = try affinities.gradient(
                at: layout.positions, exaggeration: isEarly ? Self.exaggeration : 1, angle: settings.angle)
            layout.step(gradient, rate: rate, momentum: isEarly ? 0.5 : 0.8)
            try progress(Double(iteration + 1) / Double(settings.iterations))
        }
        divergence = try affinities.divergence(at: layout.positions, angle: settings.angle)
        positions = layout.positions.map { Float($0) }
    }

    /// How much stronger attraction is at the beginning (van der Maaten 2014, section 5).
    private static let exaggeration = 12.0
}

extension TSNE {
    /// The positions on their way, N × 2, with the speed and the own rate of each coordinate (Jacobs 1988).
    struct Layout {
        private(set) var positions: [Double]
        private var speeds: [Double]
        private var gains: [Double]

        /// The two principal components, so small that all points are neighbours at first.
        init(principal points: [Float], size: Int) {
            let count = points.count / size
            let mean = (0..<size).map { d in
                stride(from: d, to: points.count, by: size).reduce(0) { $0 + Double(points[$1]) } / Double(count)
            }
            var covariance = [Double](repeating: 0, count: size * size)
            var deviation = [Double](repeating: 0, count: size)
            for row in stride(from: 0, to: points.count, by: size) {
                for d in 0..<size { deviation[d] = Double(points[row + d]) - mean[d] }
                for i in 0..<size { for j in 0...i { covariance[i * size + j] += deviation[i] * deviation[j] } }
            }
            for i in 0..<size {
                for j in 0...i {
                    covariance[i * size + j] /= Double(count)
                    covariance[j * size + i] = covariance[i * size + j]
                }
            }
            let components = PrincipalComponents(mean: mean, covariance: covariance)
            let scale = components.variances[0] > 0 ? 1e-4 / components.variances[0].squareRoot() : 0
            positions = stride(from: 0, to: points.count, by: size).flatMap { start in
                (0..<2).map { axis in
                    axis < size ? scale * components.coordinate(points[start..<start + size], along: axis) : 0
                }
            }
            speeds = [Double](repeating: 0, count: positions.count)
            gains = [Double](repeating: 1, count: positions.count)
        }

        mutating func step(_ gradient: [Double], rate: Double, momentum: Double) {
            for i in positions.indices {
                gains[i] = speeds[i] * gradient[i] < 0 ? gains[i] + 0.2 : max(gains[i] * 0.8, 0.01)
                speeds[i] = momentum * speeds[i] - rate * gains[i] * gradient[i]
                positions[i] += speeds[i]
            }
            for axis in 0..<2 {
                let middle = stride(from: axis, to: positions.count, by: 2).reduce(0) { $0 + positions[$1] }
                for i in stride(from: axis, to: positions.count, by: 2) {
                    positions[i] -= middle * 2 / Double(positions.count)
                }
            }
        }
    }
}

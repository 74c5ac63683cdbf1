import Glibc
import TensorCore
import Testing

@testable import LatentTools

@Suite("t-SNE") struct TSNETests {
    /// Groups of 40 points around corners of a cube of 6 dimensions.
    private static let groups = 5
    private static let points: [Float] = {
        var numbers = NormalNumbers()
        return (0..<groups * 40).flatMap { point in
            (0..<6).map { d in (d == point % groups ? 8 : 0) + Float(numbers.next()) }
        }
    }()

    @Test func theGradientIsThatOfTheDivergence() throws {
        let affinities = try TSNE.Affinities(of: Array(Self.points.prefix(6 * 40)), size: 6, perplexity: 8)
        var numbers = NormalNumbers()
        var positions = (0..<80).map { _ in numbers.next() }
        let exact = try affinities.gradient(at: positions, exaggeration: 1, angle: 0)
        let step = 1e-5
        for i in stride(from: 0, to: 80, by: 7) {
            let place = positions[i]
            let sides = try [place + step, place - step].map { moved in
                positions[i] = moved
                return try affinities.divergence(at: positions, angle: 0)
            }
            positions[i] = place
            // The neighbours' probabilities add up to 1 as all do, so the sum over the near pairs has the whole gradient.
            #expect(abs((sides[0] - sides[1]) / (2 * step) - exact[i]) < 1e-7)
        }
    }

    @Test func theTreeIsCloseToAllPairs() throws {
        let affinities = try TSNE.Affinities(of: Self.points, size: 6, perplexity: 20)
        var numbers = NormalNumbers()
        let positions = (0..<2 * Self.groups * 40).map { _ in 10 * numbers.next() }
        let exact = try affinities.gradient(at: positions, exaggeration: 1, angle: 0)
        let near = try affinities.gradient(at: positions, exaggeration: 1, angle: 0.5)
        let error = zip(exact, near).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        #expect(error < 0.02 * exact.reduce(0) { $0 + $1 * $1 }.squareRoot())
        let divergence = try affinities.divergence(at: positions, angle: 0)
        #expect(abs(divergence - (try affinities.divergence(at: positions, angle: 0.5))) < 0.01 * divergence)
        #expect(near != exact)
    }

    @Test func groupsStayTogether() throws {
        var settings = TSNE.Settings()
        settings.iterations = 400
        var shares: [Double] = []
        let layout = try TSNE(of: Self.points, size: 6, settings: settings) { shares.append($0) }
        #expect(layout.positions.count == 2 * Self.groups * 40 && layout.positions.allSatisfy { $0.isFinite })
        #expect(shares.count == 400 && shares.last == 1)
        for point in 0..<Self.groups * 40 {
            func distance(_ other: Int) -> Float {
                hypotf(
                    layout.positions[2 * point] - layout.positions[2 * other],
                    layout.positions[2 * point + 1] - layout.positions[2 * other + 1])
            }
            let nearest = try #require(
                (0..<Self.groups * 40).filter { $0 != point }.min { distance($0) < distance($1) })
            #expect(nearest % Self.groups == point % Self.groups)
        }
        let again = try TSNE(of: Self.points, size: 6, settings: settings)
        #expect(layout == again)
    }

    @Test func equalPointsAndFewPoints() throws {
        let equal = try TSNE(of: [Float](repeating: 1, count: 30), size: 3)
        #expect(equal.positions.allSatisfy { $0.isFinite })
        let four = try TSNE(of: [0, 1, 5, 6], size: 1)
        #expect(four.positions.allSatisfy { $0.isFinite } && four.divergence.isFinite)
    }

    @Test func refusals() {
        #expect(throws: ZooError.self) { try TSNE(of: [1, 2, 3, 4, 5, 6], size: 2) }
        #expect(throws: ZooError.self) { try TSNE(of: [1, 2, 3, .nan, 5, 6, 7, 8], size: 2) }
    }
}

/// Standard normal numbers, the same each time.
private struct NormalNumbers {
    private var state: UInt64 = 88_172_645_463_325_252

    private mutating func uniform() -> Double {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return (Double(state >> 11) + 0.5) / Double(1 << 53)
    }

    mutating func next() -> Double { (-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform()) }
}

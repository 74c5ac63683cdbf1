import LatentTools
import Testing

@Suite struct LatentPathTests {
    private let a: [Float] = [3, 0, 1, -2]
    private let b: [Float] = [-0.5, 2, 0.25, 1]

    private func norm(_ vector: [Float]) -> Double {
        vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    @Test(arguments: LatentPath.allCases)
    func theEndsAreExactlyTheGivenPoints(_ path: LatentPath) {
        let points = path.points(from: a, to: b, count: 7)
        #expect(points.count == 7)
        #expect(points.first == a)
        #expect(points.last == b)
    }

    @Test func theStraightLineIsEven() {
        let points = LatentPath.linear.points(from: a, to: b, count: 5)
        for (index, point) in points.enumerated() {
            let t = Float(index) / 4
            for axis in a.indices { #expect(abs(point[axis] - ((1 - t) * a[axis] + t * b[axis])) < 1e-6) }
        }
        #expect(LatentPath.linear.points(from: a, to: b, count: 1) == [zip(a, b).map { ($0 + $1) / 2 }])
    }

    @Test func slerpInterpolatesTheNorm() {
        let points = LatentPath.slerp.points(from: a, to: b, count: 9)
        for (index, point) in points.enumerated() {
            let t = Double(index) / 8
            #expect(abs(norm(point) - ((1 - t) * norm(a) + t * norm(b))) < 1e-5)
        }
        // The straight line between the same points is shorter in its middle.
        #expect(norm(LatentPath.linear.points(from: a, to: b, count: 3)[1]) < 0.8 * norm(points[4]))
    }

    @Test func slerpTurnsByEqualAngles() {
        let points = LatentPath.slerp.points(from: a, to: b, count: 6)
        let cosines = zip(points, points.dropFirst()).map { first, second in
            zip(first, second).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / (norm(first) * norm(second))
        }
        for cosine in cosines { #expect(abs(cosine - cosines[0]) < 1e-6) }
    }

    @Test func slerpOfAQuarterCircle() {
        let middle = LatentPath.slerp.points(from: [1, 0], to: [0, 1], count: 3)[1]
        for value in middle { #expect(abs(value - Float(0.5).squareRoot()) < 1e-6) }
    }

    @Test(
        arguments: [
            ([2, 0, 0], [-1, 0, 0]), ([0, 0, 0], [1, 2, 3]), ([1, 2, 3], [2, 4, 6]), ([0, 0, 0], [0, 0, 0]),
        ] as [([Float], [Float])])
    func degenerateDirectionsGiveFinitePoints(_ a: [Float], _ b: [Float]) {
        let points = LatentPath.slerp.points(from: a, to: b, count: 5)
        #expect(points.allSatisfy { $0.allSatisfy(\.isFinite) })
        for (index, point) in points.enumerated() {
            let t = Double(index) / 4
            #expect(abs(norm(point) - ((1 - t) * norm(a) + t * norm(b))) < 1e-5)
        }
    }

    @Test func inOneDimensionSlerpIsTheStraightLine() {
        #expect(
            LatentPath.slerp.points(from: [-1], to: [3], count: 5)
                == LatentPath.linear.points(
                    from: [-1], to: [3], count: 5))
    }
}

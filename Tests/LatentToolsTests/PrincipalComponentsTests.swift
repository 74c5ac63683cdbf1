import LatentTools
import Testing

@Suite struct PrincipalComponentsTests {
    @Test func ofARotatedEllipse() {
        // Variances 5 and 1 along (1, 1) and (−1, 1), and 3 along the third axis.
        let components = PrincipalComponents(mean: [1, 2, 3], covariance: [3, 2, 0, 2, 3, 0, 0, 0, 3])
        for (found, wanted) in zip(components.variances, [5.0, 3, 1]) { #expect(abs(found - wanted) < 1e-12) }
        let root = 0.5.squareRoot()
        for (found, wanted) in zip(components.directions[0], [root, root, 0]) { #expect(abs(found - wanted) < 1e-12) }
        #expect(abs(components.share(of: 0) - 5.0 / 9) < 1e-12)
        #expect(abs(components.coordinate([2, 3, 3] as [Float], along: 0) - 2.0.squareRoot()) < 1e-12)
    }

    @Test func directionsAreOrthonormalAndRebuildTheCovariance() {
        let size = 6
        var covariance = [Double](repeating: 0, count: size * size)
        for i in 0..<size {
            for j in 0..<size { covariance[i * size + j] = 1 / Double(1 + abs(i - j)) + (i == j ? Double(i) : 0) }
        }
        let components = PrincipalComponents(mean: [Double](repeating: 0, count: size), covariance: covariance)
        #expect(components.variances == components.variances.sorted(by: >))
        for i in 0..<size {
            for j in 0..<size {
                let product = zip(components.directions[i], components.directions[j]).reduce(0) { $0 + $1.0 * $1.1 }
                #expect(abs(product - (i == j ? 1 : 0)) < 1e-10)
                let rebuilt = (0..<size).reduce(0.0) {
                    $0 + components.variances[$1] * components.directions[$1][i] * components.directions[$1][j]
                }
                #expect(abs(rebuilt - covariance[i * size + j]) < 1e-10)
            }
        }
    }

    @Test func nothingVaries() {
        let components = PrincipalComponents(mean: [0, 0], covariance: [0, 0, 0, 0])
        #expect(components.variances == [0, 0] && components.share(of: 0) == 0)
    }
}

import LatentTools
import TensorCore
import Testing

@testable import Metrics

/// Codes made from factors, so that every score is known.
@Suite("Disentanglement of constructed codes")
struct DisentanglementTests {
    /// All combinations of three factors with 4, 3 and 5 positions.
    private static let counts = [4, 3, 5]
    private static let positions: [[Int]] = (0..<60).map { [$0 / 15, $0 / 5 % 3, $0 % 5] }
    private static let factors = counts.indices.map { factor in
        KnownFactor(name: "factor \(factor)", count: counts[factor], positions: positions.map { $0[factor] })
    }

    /// Codes that `row` computes from the positions of the factors.
    private static func images(_ row: ([Float]) -> [Float]) -> StoredCodes {
        StoredCodes(Codes(rows: positions.map { row($0.map(Float.init)) }), factors: factors)
    }

    /// Each factor is a dimension.
    private static let perfect = images { $0 }
    /// A constant beside the factors, which are in another order, scaled and mirrored.
    private static let disguised = images { [7, -3 * $0[2], $0[0] + 100, 0.01 * $0[1]] }
    /// A rotation by 45° in the plane of the first two factors, and one in that of the result and the third.
    private static let rotated = images { f in
        let (a, b) = (f[0] / 3, f[1] / 2)
        let (u, v) = (a + b, a - b)
        return [u + f[2] / 4, v, u - f[2] / 4]
    }
    /// Every dimension twice.
    private static let doubled = images { $0 + $0 }

    private static func random() -> RandomNumbers { RandomNumbers(seed: 5, name: "test") }

    private static func betaVAE(_ images: StoredCodes) throws -> Double {
        var score = BetaVAEScore()
        (score.trainingObservations, score.testObservations) = (2_000, 1_000)
        var numbers = random()
        return try score.result(images, &numbers).test
    }

    private static func factorVAE(_ images: StoredCodes) throws -> Double {
        var score = FactorVAEScore()
        (score.trainingObservations, score.testObservations) = (2_000, 1_000)
        var numbers = random()
        return try score.result(images, &numbers).test
    }

    private static func mig(_ images: StoredCodes) throws -> Double {
        var numbers = random()
        return try MutualInformationGap().result(images, &numbers).gap
    }

    private static func sap(_ images: StoredCodes) throws -> SeparatedAttributePredictability.Result {
        var score = SeparatedAttributePredictability()
        (score.trainingSamples, score.testSamples) = (3_000, 2_000)
        var numbers = random()
        return try score.result(images, &numbers)
    }

    private static func dci(_ images: StoredCodes) throws -> DCI.Result {
        var score = DCI()
        (score.trainingSamples, score.testSamples, score.rounds) = (2_000, 1_000, 30)
        var numbers = random()
        return try score.result(images, &numbers)
    }

    private static func modularity(_ images: StoredCodes) throws -> Double {
        var numbers = random()
        return try Modularity().result(images, &numbers).modularity
    }

    private static func irs(_ images: StoredCodes) throws -> Double {
        var numbers = random()
        return try InterventionalRobustness().result(images, &numbers).score
    }

    @Test("a factor in each dimension has the best scores")
    func best() throws {
        #expect(try Self.betaVAE(Self.perfect) == 1)
        #expect(try Self.factorVAE(Self.perfect) == 1)
        // A dimension knows its factor wholly, the second best nothing but the bias of (B − 1)(K − 1) / 2N nats.
        #expect(abs(try Self.mig(Self.perfect) - 1) < 2e-3)
        #expect(try Self.modularity(Self.perfect) > 0.999)
        #expect(try Self.irs(Self.perfect) == 1)
        let dci = try Self.dci(Self.perfect)
        #expect(dci.disentanglement > 0.99 && dci.completeness > 0.99 && dci.informativeness == 1)
    }

    @Test("order, sign, offset and scale of dimensions do not count, nor does one that is constant")
    func invariance() throws {
        #expect(try Self.factorVAE(Self.disguised) == 1)
        #expect(abs(try Self.mig(Self.disguised) - Self.mig(Self.perfect)) < 1e-12)
        #expect(abs(try Self.irs(Self.disguised) - 1) < 1e-6)
        #expect(abs(try Self.dci(Self.disguised).completeness - Self.dci(Self.perfect).completeness) < 0.01)
        // The constant dimension is worth nothing: the mean over dimensions falls to three of four.
        #expect(abs(try Self.modularity(Self.disguised) - 0.75 * Self.modularity(Self.perfect)) < 1e-9)
    }

    @Test("the order of images does not count")
    func imageOrder() throws {
        var numbers = RandomNumbers(seed: 1, name: "order")
        let order = numbers.shuffled(Array(0..<60))
        let shuffled = StoredCodes(
            Self.rotated.codes(of: order),
            factors: Self.factors.map { factor in
                KnownFactor(name: factor.name, count: factor.count, positions: order.map { factor.positions[$0] })
            })
        // Other images are drawn, so scores agree as far as sampling allows.
        #expect(abs(try Self.mig(shuffled) - Self.mig(Self.rotated)) < 0.03)
        #expect(abs(try Self.irs(shuffled) - Self.irs(Self.rotated)) < 0.03)
    }

    @Test("a rotation costs every score")
    func rotation() throws {
        #expect(try Self.mig(Self.rotated) < 0.35)
        #expect(try Self.irs(Self.rotated) < 0.75)
        #expect(try Self.modularity(Self.rotated) < 0.95)
        let dci = try Self.dci(Self.rotated)
        #expect(dci.disentanglement < 0.7 && dci.completeness < 0.7)
        // It is still all there: trees read it.
        #expect(dci.informativeness > 0.95)
    }

    @Test("codes that are in two dimensions each have no gap, and complete only half")
    func duplicates() throws {
        #expect(abs(try Self.mig(Self.doubled)) < 1e-12)
        #expect(abs(try Self.sap(Self.doubled).score) < 1e-12)
        #expect(try Self.modularity(Self.doubled) > 0.999)
        #expect(try Self.dci(Self.doubled).disentanglement > 0.99)
    }

    @Test("codes that know nothing have the scores of chance")
    func chance() throws {
        var numbers = RandomNumbers(seed: 2, name: "noise")
        let noise = StoredCodes(
            Codes(rows: (0..<3_000).map { _ in (0..<4).map { _ in Float(numbers.normal()) } }),
            factors: [
                KnownFactor(name: "a", count: 3, positions: (0..<3_000).map { $0 % 3 }),
                KnownFactor(name: "b", count: 5, positions: (0..<3_000).map { $0 / 3 % 5 }),
            ])
        #expect(try Self.mig(noise) < 0.01)
        #expect(try abs(Self.betaVAE(noise) - 0.5) < 0.08)
        #expect(try Self.sap(noise).score < 0.05)
        #expect(try Self.irs(noise) < 0.4)
    }

    @Test("SAP: a dimension that is the factor is predicted, the gap is to the next")
    func separated() throws {
        // Two positions: a threshold separates them; the other dimension is a coin.
        var numbers = RandomNumbers(seed: 3, name: "coin")
        let positions = (0..<2_000).map { $0 % 2 }
        let images = StoredCodes(
            Codes(rows: positions.map { [Float($0), Float(numbers.normal())] }),
            factors: [KnownFactor(name: "bit", count: 2, positions: positions)])
        let result = try Self.sap(images)
        #expect(result.accuracies[0][0] == 1)
        #expect(abs(result.accuracies[0][1] - 0.5) < 0.04)
        #expect(abs(result.score - (1 - result.accuracies[0][1])) < 1e-12)
    }

    @Test("DCI of known tables: 1 for one entry, 0 for equal entries, weights by importance")
    func importance() {
        let result = DCI.Result(
            importances: [[1, 0, 0], [0, 0.5, 0.5]], informativenessTraining: 1, informativeness: 1)
        #expect(result.disentanglements == [1, 1, 1])
        #expect(result.disentanglement == 1)
        // The second factor is spread over two of three dimensions: 1 − log 2 / log 3.
        #expect(abs(result.completeness - (1 + (1 - 0.630_929_753_571_457)) / 2) < 1e-12)
        #expect(DCI.concentration([1, 1, 1, 1]) == 0)
    }

    @Test("explicitness is 1 for separable classes and one half for noise")
    func explicitness() throws {
        var explicitness = Explicitness()
        (explicitness.trainingSamples, explicitness.testSamples) = (3_000, 3_000)
        let oneHot = Self.images { f in
            (0..<4).map { f[0] == Float($0) ? 1 : 0 } + [f[1] * f[1], f[1], f[2], f[2] * f[2]]
        }
        var random = Self.random()
        #expect(try explicitness.result(oneHot, &random).test > 0.999)
        var numbers = RandomNumbers(seed: 2, name: "noise")
        let noise = Self.images { _ in (0..<3).map { _ in Float(numbers.normal()) } }
        // Sixty rows are learned by heart in part; of new draws of the same rows the area is only a little above chance.
        #expect(try explicitness.result(noise, &random).test < 0.75)
    }

    @Test("UDR: models that agree up to order and sign have 1, strangers less; a dead dimension takes no part")
    func ranking() throws {
        let dimensions = 3
        var numbers = RandomNumbers(seed: 2, name: "models")
        let rows = (0..<500).map { _ in (0..<dimensions).map { _ in Float(numbers.normal()) } }
        let noise = Codes(rows: (0..<500).map { _ in (0..<dimensions).map { _ in Float(numbers.normal()) } })
        let kl = [1.0, 1, 1, 0]
        func model(_ row: ([Float]) -> [Float]) -> UnsupervisedDisentanglementRanking.Model {
            let dead = rows.map { row($0) + [Float(numbers.normal())] }
            return .init(codes: Codes(rows: dead), kl: kl)
        }
        let agreeing = [model { $0 }, model { [-$0[2], $0[0], $0[1] * 3] }, model { [$0[1], -$0[0], $0[2]] }]
        let scores = try UnsupervisedDisentanglementRanking.scores(agreeing)
        // Between independent dimensions 500 images leave a correlation of about 0.04.
        #expect(scores.allSatisfy { $0 > 0.85 })
        let strange = try UnsupervisedDisentanglementRanking.scores(
            Array(agreeing.prefix(2)) + [.init(codes: noise, kl: [1, 1, 1])])
        #expect(strange[2] < 0.2)
        #expect(UnsupervisedDisentanglementRanking.score([[1, 0], [0, 1]]) == 1)
        #expect(UnsupervisedDisentanglementRanking.score([[0.5, 0.5], [0.5, 0.5]]) == 0.25)
    }

    @Test("a factor that never varies, or only one where two are compared: a sentence")
    func refusals() throws {
        let constant = StoredCodes(
            Codes(rows: [[0], [1]]), factors: [KnownFactor(name: "shape", count: 3, positions: [1, 1])])
        #expect {
            try Self.mig(constant)
        } throws: { error in
            "\(error)".contains("'shape' never varies over the 2 images")
        }
        let single = StoredCodes(
            Codes(rows: [[0], [1]]), factors: [KnownFactor(name: "shape", count: 2, positions: [0, 1])])
        #expect {
            try Self.factorVAE(single)
        } throws: { error in
            "\(error)".contains("at least 2 are needed")
        }
        let dead = Self.images { _ in [0, 0] }
        #expect(throws: ZooError.self) { try Self.irs(dead) }
        #expect(throws: ZooError.self) { try Self.factorVAE(dead) }
    }
}

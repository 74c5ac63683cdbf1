import Datasets
import Foundation
import LatentTools
import TensorCore
import Testing

/// Mutual information of codes made from a factor, against closed forms.
@Suite struct MutualInformationTests {
    /// 10,000 images with five positions.
    private let factor = KnownFactor(name: "scale", count: 5, positions: (0..<10_000).map { $0 % 5 })

    private func statistics(_ values: [Float]) throws -> LatentStatistics {
        let codes = try LatentCodes(imageIndices: values.indices.map(Int32.init), latentSize: 1, means: values)
        return LatentStatistics(codes, split: "test", dataset: nil, factors: [factor])
    }

    @Test func aFactorCopiedIntoADimensionGivesItsEntropy() throws {
        let statistics = try statistics(factor.positions.map { Float($0) * 0.7 - 1 })
        #expect(abs(statistics.mutualInformation[0] - log(5)) < 1e-12)
        #expect(abs(statistics.factorEntropies[0] - log(5)) < 1e-12)
        let strongest = try #require(statistics.strongestFactor(of: 0))
        #expect(strongest.name == "scale")
    }

    @Test func halfOfAFactorGivesHalfOfItsEntropy() throws {
        // Four positions, of which the dimension tells the lower bit: log 2 of log 4.
        let positions = (0..<4_000).map { $0 % 4 }
        let bit = MutualInformation.bins(positions.map { Float($0 % 2) })
        #expect(abs(MutualInformation.between(bit, positions) - log(2)) < 1e-12)
    }

    @Test func aShuffledFactorGivesOnlyTheBiasOfTheEstimate() throws {
        let order = RandomStream(seed: 5, purpose: .split).permutation(count: factor.positions.count)
        let statistics = try statistics(order.map { Float(factor.positions[Int($0)]) })
        // Five bins are taken: (5 − 1)(5 − 1) / 2N = 0.0008 nats expected; 2N times it is about χ² with 16 degrees of
        // freedom, which exceeds 45 once in 10,000 times.
        #expect(statistics.mutualInformation[0] < 45.0 / 20_000)
        #expect(statistics.mutualInformation[0] > 0)
    }

    @Test func aConstantDimensionTellsNothing() throws {
        #expect(try statistics([Float](repeating: 3, count: 10_000)).mutualInformation[0] < 1e-12)
    }

    @Test func binsCoverTheRange() {
        #expect(MutualInformation.bins([0, 1, 2, 3, 4], count: 4) == [0, 1, 2, 3, 3])
        #expect(MutualInformation.bins([7, 7], count: 4) == [0, 0])
        #expect(MutualInformation.bins([0, .nan, .infinity, 1], count: 2) == [0, 2, 2, 1])
        #expect(MutualInformation.bins([-.greatestFiniteMagnitude, .greatestFiniteMagnitude], count: 20) == [0, 19])
        #expect(MutualInformation.bins([]).isEmpty)
    }

    @Test func entropyOfACoin() {
        #expect(abs(MutualInformation.entropy([0, 1, 1, 0]) - log(2)) < 1e-15)
        #expect(MutualInformation.entropy([3, 3]) == 0)
        #expect(MutualInformation.entropy([]) == 0)
    }

    @Test func factorsOfDataSets() throws {
        let sprites = Sprites()
        let indices: [Int32] = [0, 1, 5_000, 700_000]
        let factors = KnownFactor.all(of: sprites, indices: indices)
        #expect(factors.map(\.name) == (sprites.info.factors ?? []).map(\.name))
        let rows = indices.compactMap { sprites.factors(Int($0)) }
        for (column, factor) in factors.enumerated() { #expect(factor.positions == rows.map { $0[column] }) }
    }
}

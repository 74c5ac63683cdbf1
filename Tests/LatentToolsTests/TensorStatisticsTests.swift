import Foundation
import LatentTools
import TensorCore
import Testing

@Suite struct TensorStatisticsTests {
    @Test func momentsOfAFewValues() throws {
        let statistics = TensorStatistics([0, 1, 2, 5], shape: [4])
        #expect(statistics.minimum == 0 && statistics.maximum == 5)
        #expect(statistics.mean == 2)
        #expect(abs((statistics.standardDeviation ?? 0) - 3.5.squareRoot()) < 1e-12)
        #expect(statistics.zeroShare == 0.25)
        #expect(abs(statistics.l2Norm - 30.0.squareRoot()) < 1e-12)
        #expect(statistics.histogram.reduce(0, +) == 4)
        #expect(statistics.histogram.first == 1 && statistics.histogram.last == 1)
        #expect(statistics.spectralNorm == nil)
    }

    @Test func notFiniteValuesAreCountedAndLeftOut() throws {
        let statistics = TensorStatistics([.nan, 1, .infinity, -.infinity, 3, -.nan], shape: [2, 3])
        #expect(statistics.nanCount == 2 && statistics.infinityCount == 2)
        #expect(statistics.mean == 2)
        #expect(!statistics.isFinite && statistics.spectralNorm == nil)
        let nothing = TensorStatistics([.nan], shape: [1])
        #expect(nothing.mean == nil && nothing.histogram.isEmpty)
    }

    @Test(arguments: [[0], [3, 0], [0, 3]]) func emptyTensors(shape: [Int]) {
        let statistics = TensorStatistics([], shape: shape)
        #expect(statistics.mean == nil && statistics.zeroShare == nil && statistics.spectralNorm == nil)
        #expect(statistics.l2Norm == 0)
    }

    @Test func extremeValues() throws {
        let largest = Float.greatestFiniteMagnitude
        let statistics = TensorStatistics([largest, -largest, largest, largest], shape: [2, 2])
        #expect(statistics.histogram == [1] + [Int](repeating: 0, count: 14) + [3])
        // Rows (1, −1) and (1, 1): both singular values are √2.
        let spectral = try #require(statistics.spectralNorm)
        #expect(abs(spectral / Double(largest) - 2.0.squareRoot()) < 1e-6)
    }

    /// The singular values of a diagonal matrix are its entries.
    @Test func spectralNormOfADiagonalMatrix() throws {
        var values = [Float](repeating: 0, count: 4 * 6)
        for (place, value) in [2, -7, 3, 0.5].enumerated() { values[place * 6 + place] = Float(value) }
        let statistics = TensorStatistics(values, shape: [4, 2, 3])
        #expect(abs((statistics.spectralNorm ?? 0) - 7) < 1e-5)
        #expect(abs((statistics.stableRank ?? 0) - (4 + 49 + 9 + 0.25) / 49) < 1e-5)
    }

    /// A second singular value close behind the first keeps power iteration from getting anywhere.
    @Test(arguments: [0.9975, 0.9999, 1 - 1e-7]) func spectralNormWithCloseSingularValues(second: Double) throws {
        let singular = [1, second] + (0..<98).map { 0.95 - 0.009 * Double($0) }
        let size = singular.count
        // H·diag·H with the Householder reflection H = I − 2vvᵀ/‖v‖² keeps the singular values.
        let v = (0..<size).map { Double(($0 * 7) % 11) - 4.5 }
        let scale = 2 / v.reduce(0) { $0 + $1 * $1 }
        let weighted = (0..<size).map { singular[$0] * v[$0] }
        let inner = zip(v, weighted).reduce(0) { $0 + $1.0 * $1.1 }
        var values: [Float] = []
        for row in 0..<size {
            for column in 0..<size {
                let diagonal = row == column ? singular[row] : 0
                let crossed: Double = v[row] * weighted[column] + weighted[row] * v[column]
                let squared: Double = scale * scale * inner * v[row] * v[column]
                values.append(Float(diagonal - scale * crossed + squared))
            }
        }
        let norm = SpectralNorm.estimate(values, rows: size, columns: size)
        // The values are rounded to f32.
        #expect(abs(norm - 1) < 2e-7, "\(norm)")
        // Twice the same matrix, one above or beside the other.
        let root = 2.0.squareRoot()
        let tall = SpectralNorm.estimate(values + values, rows: 2 * size, columns: size)
        #expect(abs(norm - tall / root) < 1e-10)
        var wide: [Float] = []
        for row in 0..<size {
            let line = Array(values[row * size..<(row + 1) * size])
            wide += line + line
        }
        #expect(abs(norm - SpectralNorm.estimate(wide, rows: size, columns: 2 * size) / root) < 1e-10)
    }

    /// ‖u vᵀ‖₂ = ‖u‖ ‖v‖, and its stable rank is 1.
    @Test func spectralNormOfAMatrixOfRankOne() throws {
        let (u, v): ([Float], [Float]) = ([1, -2, 2], [3, 4])
        let statistics = TensorStatistics(u.flatMap { u in v.map { u * $0 } }, shape: [3, 2])
        #expect(abs((statistics.spectralNorm ?? 0) - 15) < 1e-9)
        #expect(abs((statistics.stableRank ?? 0) - 1) < 1e-9)
    }

    /// All singular values of a rotation are 1, so the stable rank is the number of rows.
    @Test func stableRankOfARotation() throws {
        let (c, s) = (Float(cos(0.3)), Float(sin(0.3)))
        let statistics = TensorStatistics([c, -s, s, c], shape: [2, 2])
        #expect(abs((statistics.stableRank ?? 0) - 2) < 1e-5)
        #expect(TensorStatistics([0, 0, 0, 0], shape: [2, 2]).stableRank == nil)
    }

    @Test func differences() throws {
        let same = TensorDifference([1, .nan, -0.0], [1, .nan, -0.0])
        #expect(same.isIdentical && same.norm == 0 && same.largest == 0)
        let turned = TensorDifference([3, 0], [0, 4])
        #expect(!turned.isIdentical && turned.norm == 5 && turned.cosine == 0 && turned.largest == 4)
        #expect(abs((turned.relative ?? 0) - 5.0 / 3) < 1e-12)
        let signs = TensorDifference([0.0], [-0.0])
        #expect(!signs.isIdentical && signs.norm == 0 && signs.cosine == nil && signs.relative == nil)
        #expect(TensorDifference([1], [.nan]).largest.isNaN)
        #expect(TensorDifference([], []).isIdentical)
    }
}

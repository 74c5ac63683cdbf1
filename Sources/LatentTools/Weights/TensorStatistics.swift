import Glibc

/// What the values of one tensor are like. Values that are not finite are counted and otherwise left out.
public struct TensorStatistics: Sendable, Equatable {
    /// Number of elements.
    public let count: Int
    public let nanCount: Int
    public let infinityCount: Int
    public let zeroCount: Int
    /// Of the finite values; nil where there are none.
    public let minimum: Double?
    public let maximum: Double?
    public let mean: Double?
    /// Divided by the number of values.
    public let standardDeviation: Double?
    /// √Σx², the Frobenius norm of a matrix.
    public let l2Norm: Double
    /// Largest singular value of the matrix [first axis, all others]; nil for less than two axes, for tensors without
    /// values, and where a value is not finite.
    public let spectralNorm: Double?
    /// How many values are in each of `binCount` bins of one width from `minimum` to `maximum`.
    public let histogram: [Int]

    public static let binCount = 16

    /// Whether all values are finite.
    public var isFinite: Bool { nanCount == 0 && infinityCount == 0 }

    /// ‖W‖²_F / ‖W‖₂², from 1 to the rank: how many directions the matrix stretches (Rudelson and Vershynin 2007).
    public var stableRank: Double? {
        guard let spectralNorm, spectralNorm > 0 else { return nil }
        let ratio = l2Norm / spectralNorm
        return ratio * ratio
    }

    /// Share of zeros among all values, 0 to 1; nil for a tensor without values.
    public var zeroShare: Double? { count == 0 ? nil : Double(zeroCount) / Double(count) }

    /// Statistics of the `values` of a tensor of `shape`, row-major.
    public init(_ values: [Float], shape: [Int]) {
        var (nans, infinities, zeros) = (0, 0, 0)
        var (low, high) = (Double.infinity, -Double.infinity)
        var (sum, squares) = (0.0, 0.0)
        for value in values {
            guard value.isFinite else {
                if value.isNaN { nans += 1 } else { infinities += 1 }
                continue
            }
            if value == 0 { zeros += 1 }
            let value = Double(value)
            low = min(low, value)
            high = max(high, value)
            sum += value
            squares += value * value
        }
        let finiteCount = values.count - nans - infinities
        count = values.count
        (nanCount, infinityCount, zeroCount) = (nans, infinities, zeros)
        l2Norm = squares.squareRoot()
        guard finiteCount > 0 else {
            (minimum, maximum, mean, standardDeviation, spectralNorm) = (nil, nil, nil, nil, nil)
            histogram = []
            return
        }
        let mean = sum / Double(finiteCount)
        (minimum, maximum, self.mean) = (low, high, mean)
        // A second pass: the difference of large sums would lose the digits of a small deviation.
        var deviations = 0.0
        var bins = [Int](repeating: 0, count: Self.binCount)
        let scale = high > low ? Double(Self.binCount) / (high - low) : 0
        for value in values where value.isFinite {
            let value = Double(value)
            deviations += (value - mean) * (value - mean)
            bins[min(Self.binCount - 1, Int((value - low) * scale))] += 1
        }
        standardDeviation = (deviations / Double(finiteCount)).squareRoot()
        histogram = bins
        let rows = shape.first ?? 0
        let isMatrix = shape.count >= 2 && rows > 0 && values.count % max(1, rows) == 0
        spectralNorm =
            isMatrix && finiteCount == values.count
            ? SpectralNorm.estimate(values, rows: rows, columns: values.count / rows) : nil
    }
}

/// Vectors of numbers, one for each of N things: codes of images, or features of them.
public struct Codes: Sendable, Equatable {
    /// N × D, row-major.
    public let values: [Float]
    /// D.
    public let size: Int

    /// - Precondition: `values` are a whole number of rows.
    public init(values: [Float], size: Int) {
        precondition(size > 0 && values.count.isMultiple(of: size), "\(values.count) numbers are no rows of \(size)")
        self.values = values
        self.size = size
    }

    /// - Precondition: there is a row, and all have the same length.
    public init(rows: [[Float]]) {
        self.init(values: rows.flatMap { $0 }, size: rows.first?.count ?? 0)
    }

    /// N.
    public var count: Int { values.count / size }

    public subscript(row: Int) -> ArraySlice<Float> { values[row * size..<(row + 1) * size] }

    /// One dimension of all rows, `[N]`.
    public func column(_ dimension: Int) -> [Float] {
        stride(from: dimension, to: values.count, by: size).map { values[$0] }
    }

    /// The variance of each dimension, with n − 1 in the denominator, `[D]`.
    ///
    /// - Precondition: there are at least two rows.
    public var variances: [Double] {
        precondition(count > 1, "a variance needs two rows")
        return (0..<size).map { dimension in
            var (sum, squares) = (0.0, 0.0)
            // Around the first value, so that a mean far from 0 does not eat the digits.
            let origin = Double(values[dimension])
            for index in stride(from: dimension, to: values.count, by: size) {
                let value = Double(values[index]) - origin
                sum += value
                squares += value * value
            }
            return max(0, (squares - sum * sum / Double(count)) / Double(count - 1))
        }
    }

    /// Each dimension with mean 0 and variance 1 by these moments; one that does not vary only loses its mean.
    func standardized(by moments: Moments) -> Codes {
        var result = values
        for index in result.indices {
            let dimension = index % size
            result[index] = Float((Double(result[index]) - moments.means[dimension]) / moments.deviations[dimension])
        }
        return Codes(values: result, size: size)
    }

    /// What standardises data: taken from training data, applied to training and test data alike.
    struct Moments: Sendable {
        let means: [Double]
        /// 1 where nothing varies.
        let deviations: [Double]

        init(of codes: Codes) {
            let count = Double(codes.count)
            means = (0..<codes.size).map { d in codes.column(d).reduce(0) { $0 + Double($1) } / count }
            deviations = codes.variances.map { variance in
                let biased = (variance * (count - 1) / count).squareRoot()
                return biased > 0 ? biased : 1
            }
        }
    }
}

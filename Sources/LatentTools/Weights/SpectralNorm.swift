import TensorCore

/// The largest singular value of a matrix.
public enum SpectralNorm {
    /// ‖W‖₂ of a matrix `[rows, columns]` of finite values, row-major, to about ten digits: the root of the largest eigenvalue
    /// of WᵀW, or of WWᵀ where that is smaller, by Lanczos' method from a fixed random vector with every vector made
    /// orthogonal to all before (Golub and Van Loan, Matrix Computations, sections 10.1 and 10.3).
    ///
    /// The estimate never exceeds the norm but for rounding. It ends when it has stood still for some steps, at the latest
    /// after 500.
    public static func estimate(_ values: [Float], rows: Int, columns: Int) -> Double {
        guard rows > 0, columns > 0, values.count == rows * columns else { return 0 }
        let matrix = Matrix(values: values, rows: rows, columns: columns)
        let size = min(rows, columns)
        let stream = RandomStream(seed: 0, purpose: .sampling)
        var vector = (0..<size).map { Double(stream.uniform(UInt64($0))) - 0.5 }
        normalize(&vector)
        var basis: [[Double]] = []
        var tridiagonal = Tridiagonal()
        var largest = 0.0
        var stillSteps = 0
        while basis.count < min(size, 500) {
            basis.append(vector)
            vector = matrix.gram(vector)
            tridiagonal.diagonal.append(dot(vector, basis[basis.count - 1]))
            let before = largest
            largest = tridiagonal.largestEigenvalue
            stillSteps = largest - before <= 1e-13 * largest ? stillSteps + 1 : 0
            // Twice: what one pass leaves of the vectors before is rounding, and matters.
            for _ in 0..<2 {
                for other in basis { subtract(dot(vector, other), other, from: &vector) }
            }
            let rest = normalize(&vector)
            guard rest > 1e-14 * largest, stillSteps < 5 else { break }
            tridiagonal.offDiagonal.append(rest)
        }
        return max(0, largest).squareRoot()
    }

    private struct Matrix {
        let values: [Float]
        let rows: Int
        let columns: Int

        /// WᵀWx, or WWᵀx where W has fewer rows than columns.
        func gram(_ x: [Double]) -> [Double] { rows < columns ? times(transposedTimes(x)) : transposedTimes(times(x)) }

        private func times(_ x: [Double]) -> [Double] {
            values.withUnsafeBufferPointer { values in
                x.withUnsafeBufferPointer { x in
                    (0..<rows).map { row in
                        var sum = 0.0
                        for column in 0..<columns { sum += Double(values[row * columns + column]) * x[column] }
                        return sum
                    }
                }
            }
        }

        private func transposedTimes(_ x: [Double]) -> [Double] {
            var product = [Double](repeating: 0, count: columns)
            values.withUnsafeBufferPointer { values in
                product.withUnsafeMutableBufferPointer { product in
                    for row in 0..<rows {
                        for column in 0..<columns { product[column] += Double(values[row * columns + column]) * x[row] }
                    }
                }
            }
            return product
        }
    }

    /// A symmetric matrix that is zero but for its diagonal and the two beside it.
    private struct Tridiagonal {
        var diagonal: [Double] = []
        var offDiagonal: [Double] = []

        /// By bisection between bounds of Gershgorin's circles.
        var largestEigenvalue: Double {
            func beside(_ index: Int) -> Double { offDiagonal.indices.contains(index) ? offDiagonal[index] : 0 }
            var low = diagonal.max() ?? 0
            var high = diagonal.indices.map { diagonal[$0] + beside($0 - 1) + beside($0) }.max() ?? 0
            while true {
                let middle = low + (high - low) / 2
                guard middle > low, middle < high else { return high }
                if hasEigenvalue(above: middle) { low = middle } else { high = middle }
            }
        }

        /// Whether T − x has a positive pivot (Sylvester's law of inertia).
        private func hasEigenvalue(above x: Double) -> Bool {
            var pivot = -1.0
            for (index, entry) in diagonal.enumerated() {
                let beside = index > 0 ? offDiagonal[index - 1] : 0
                pivot = entry - x - (index > 0 ? beside * (beside / pivot) : 0)
                if pivot > 0 { return true }
                if pivot == 0 { pivot = -.leastNormalMagnitude }
            }
            return false
        }
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for (x, y) in zip(a, b) { sum += x * y }
        return sum
    }

    private static func subtract(_ scale: Double, _ other: [Double], from vector: inout [Double]) {
        for index in vector.indices { vector[index] -= scale * other[index] }
    }

    /// Divides by the norm, which is returned; leaves a zero vector.
    @discardableResult
    private static func normalize(_ vector: inout [Double]) -> Double {
        let norm = dot(vector, vector).squareRoot()
        guard norm > 0 else { return 0 }
        for index in vector.indices { vector[index] /= norm }
        return norm
    }
}

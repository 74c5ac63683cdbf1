import CLAPACK
import TensorCore

/// A symmetric matrix of D × D numbers.
struct SymmetricMatrix: Sendable {
    /// D.
    let size: Int
    /// Row-major.
    let values: [Double]

    /// - Precondition: there are D × D numbers.
    init(size: Int, values: [Double]) {
        precondition(values.count == size * size, "\(values.count) numbers are no \(size) x \(size) matrix")
        self.size = size
        self.values = values
    }

    var trace: Double { (0..<size).reduce(0) { $0 + values[$1 * size + $1] } }

    /// Eigenvalues, ascending, and the eigenvectors in columns (LAPACK's `dsyevd`).
    ///
    /// - Throws: `ZooError` where LAPACK does not converge.
    func eigen() throws -> (values: [Double], vectors: [Double]) {
        var vectors = values
        var found = [Double](repeating: 0, count: size)
        let order = Int32(size)
        let status = LAPACKE_dsyevd(
            LAPACK_ROW_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "U")), order, &vectors, order, &found)
        guard status == 0 else {
            throw ZooError("LAPACK found no eigenvalues of a \(size) x \(size) matrix (\(status))", code: .system)
        }
        return (found, vectors)
    }

    /// The positive semidefinite root; negative eigenvalues, which rounding leaves, count as 0.
    ///
    /// - Throws: as `eigen`.
    func squareRoot() throws -> SymmetricMatrix {
        let (eigenvalues, vectors) = try eigen()
        var scaled = vectors
        let roots = eigenvalues.map { max(0, $0).squareRoot() }
        for row in 0..<size { for column in 0..<size { scaled[row * size + column] *= roots[column] } }
        return SymmetricMatrix(
            size: size,
            values: matrixProduct(scaled, vectors, rows: size, inner: size, columns: size, transposingSecond: true))
    }

    /// self · other · self.
    func sandwich(_ other: SymmetricMatrix) -> SymmetricMatrix {
        let half = matrixProduct(values, other.values, rows: size, inner: size, columns: size)
        let whole = matrixProduct(half, values, rows: size, inner: size, columns: size)
        // Rounding breaks the symmetry a little.
        var symmetric = whole
        for row in 0..<size {
            for column in 0..<size {
                symmetric[row * size + column] = (whole[row * size + column] + whole[column * size + row]) / 2
            }
        }
        return SymmetricMatrix(size: size, values: symmetric)
    }
}

/// a · b, or a · bᵀ, row-major.
func matrixProduct(
    _ a: [Double], _ b: [Double], rows: Int, inner: Int, columns: Int, transposingSecond: Bool = false
) -> [Double] {
    precondition(a.count == rows * inner && b.count == inner * columns, "the shapes of a product do not fit")
    var result = [Double](repeating: 0, count: rows * columns)
    cblas_dgemm(
        CblasRowMajor, CblasNoTrans, transposingSecond ? CblasTrans : CblasNoTrans, Int32(rows), Int32(columns),
        Int32(inner), 1, a, Int32(inner), b, Int32(transposingSecond ? inner : columns), 0, &result, Int32(columns))
    return result
}

extension Codes {
    /// The mean and the covariance of the rows, with n − 1 in the denominator.
    ///
    /// - Precondition: there are at least two rows.
    func moments() -> (mean: [Double], covariance: SymmetricMatrix) {
        precondition(count > 1, "a covariance needs two rows")
        var mean = [Double](repeating: 0, count: size)
        for (index, value) in values.enumerated() { mean[index % size] += Double(value) }
        mean = mean.map { $0 / Double(count) }
        var centred = [Double](repeating: 0, count: values.count)
        for (index, value) in values.enumerated() {
            centred[(index % size) * count + index / size] = Double(value) - mean[index % size]
        }
        let products = matrixProduct(
            centred, centred, rows: size, inner: count, columns: size, transposingSecond: true)
        return (mean, SymmetricMatrix(size: size, values: products.map { $0 / Double(count - 1) }))
    }
}

/// The Cholesky factorisation of symmetric matrices.
enum Cholesky {
    /// The lower triangular L with L·Lᵀ = `matrix`, D × D row-major.
    ///
    /// A direction without variance (a pivot that is not above rounding error) gets a column of zeros, so that positive
    /// semidefinite matrices work too.
    static func factor(of matrix: [Double], size: Int) -> [Double] {
        precondition(matrix.count == size * size, "\(matrix.count) numbers are no \(size) x \(size) matrix")
        var factor = [Double](repeating: 0, count: size * size)
        let tolerance = 1e-12 * (0..<size).reduce(0) { max($0, matrix[$1 * size + $1]) }
        for column in 0..<size {
            func product(_ row: Int) -> Double {
                (0..<column).reduce(0) { $0 + factor[row * size + $1] * factor[column * size + $1] }
            }
            let pivot = matrix[column * size + column] - product(column)
            guard pivot > tolerance else { continue }
            let root = pivot.squareRoot()
            factor[column * size + column] = root
            for row in column + 1..<max(size, column + 1) {
                factor[row * size + column] = (matrix[row * size + column] - product(row)) / root
            }
        }
        return factor
    }
}

import TensorCore

/// The directions in which points vary most, by the eigenvectors of their covariance.
public struct PrincipalComponents: Sendable, Equatable {
    /// The middle of the points, `[D]`.
    public let mean: [Double]
    /// Unit vectors of D numbers, the largest variance first.
    public let directions: [[Double]]
    /// The variance along each direction, descending.
    public let variances: [Double]

    /// - Parameters:
    ///   - mean: `[D]`.
    ///   - covariance: D × D row-major, symmetric.
    public init(mean: [Double], covariance: [Double]) {
        self.mean = mean
        let size = mean.count
        precondition(covariance.count == size * size, "\(covariance.count) numbers are no \(size) x \(size) matrix")
        let (values, vectors) = Self.eigen(covariance, size: size)
        let order = (0..<size).sorted { values[$0] > values[$1] }
        variances = order.map { max(0, values[$0]) }
        directions = order.map { column in
            let direction = (0..<size).map { vectors[$0 * size + column] }
            // Of the two signs the one whose largest component is positive, so that figures do not flip.
            let largest = direction.max { abs($0) < abs($1) } ?? 1
            return largest < 0 ? direction.map { -$0 } : direction
        }
    }

    /// The share of the whole variance along a direction; 0 where nothing varies.
    public func share(of direction: Int) -> Double {
        let total = variances.reduce(0, +)
        return total > 0 ? variances[direction] / total : 0
    }

    /// The coordinate of a point of D numbers along a direction.
    public func coordinate(_ point: some Collection<Float>, along direction: Int) -> Double {
        zip(zip(point, mean), directions[direction]).reduce(0) { $0 + (Double($1.0.0) - $1.0.1) * $1.1 }
    }

    /// Eigenvalues and eigenvectors (in columns) of a symmetric matrix, by Jacobi's rotations in cyclic order (Golub and Van
    /// Loan, Matrix Computations, 4th edition, section 8.5).
    private static func eigen(_ matrix: [Double], size: Int) -> (values: [Double], vectors: [Double]) {
        var a = matrix
        var vectors = [Double](repeating: 0, count: size * size)
        for d in 0..<size { vectors[d * size + d] = 1 }
        let scale = (0..<size).reduce(0) { $0 + abs(a[$1 * size + $1]) }
        for _ in 0..<60 {
            var off = 0.0
            for p in 0..<size { for q in p + 1..<max(size, p + 1) { off += abs(a[p * size + q]) } }
            if off <= 1e-14 * scale { break }
            for p in 0..<size {
                for q in p + 1..<max(size, p + 1) { rotate(&a, &vectors, p, q, size: size) }
            }
        }
        return ((0..<size).map { a[$0 * size + $0] }, vectors)
    }

    /// One rotation that makes the element (p, q) zero.
    private static func rotate(_ a: inout [Double], _ vectors: inout [Double], _ p: Int, _ q: Int, size: Int) {
        let element = a[p * size + q]
        guard element != 0 else { return }
        let theta = (a[q * size + q] - a[p * size + p]) / (2 * element)
        let tangent = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let cosine = 1 / (tangent * tangent + 1).squareRoot()
        let sine = tangent * cosine
        for k in 0..<size {
            let (kp, kq) = (a[k * size + p], a[k * size + q])
            a[k * size + p] = cosine * kp - sine * kq
            a[k * size + q] = sine * kp + cosine * kq
        }
        for k in 0..<size {
            let (pk, qk) = (a[p * size + k], a[q * size + k])
            a[p * size + k] = cosine * pk - sine * qk
            a[q * size + k] = sine * pk + cosine * qk
            let (kp, kq) = (vectors[k * size + p], vectors[k * size + q])
            vectors[k * size + p] = cosine * kp - sine * kq
            vectors[k * size + q] = sine * kp + cosine * kq
        }
    }
}

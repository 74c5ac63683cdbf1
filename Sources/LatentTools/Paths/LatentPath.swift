import Glibc

/// A way from one latent vector to another.
public enum LatentPath: String, CaseIterable, Sendable {
    /// The straight line (1 − t)·a + t·b.
    case linear
    /// Spherical interpolation: the direction turns evenly along the great circle and the norm changes evenly from ‖a‖
    /// to ‖b‖. In many dimensions a straight line between two draws from N(0, I) passes through a ball that the prior
    /// nearly never visits; this path does not (White 2016, "Sampling Generative Networks", arXiv:1609.04468).
    case slerp

    /// `count` points of D numbers, evenly spaced along the path, the first exactly `a` and the last exactly `b`. A
    /// single point is the middle.
    ///
    /// Directions that have no great circle of their own (a zero vector, D = 1) are joined by the straight line; exactly
    /// opposite ones turn through the coordinate axis most nearly at right angles to them.
    /// - Precondition: `a` and `b` have the same count, and `count` is at least 1.
    public func points(from a: [Float], to b: [Float], count: Int) -> [[Float]] {
        precondition(
            a.count == b.count && count >= 1, "a path of \(count) points from \(a.count) to \(b.count) numbers")
        if count == 1 { return [point(from: a, to: b, at: 0.5)] }
        return (0..<count).map { index in
            switch index {
            case 0: a
            case count - 1: b
            default: point(from: a, to: b, at: Double(index) / Double(count - 1))
            }
        }
    }

    /// The point at `t` from 0 to 1.
    private func point(from a: [Float], to b: [Float], at t: Double) -> [Float] {
        switch self {
        case .linear: Self.mixed(a.map(Double.init), 1 - t, b.map(Double.init), t)
        case .slerp: Self.spherical(a.map(Double.init), b.map(Double.init), t)
        }
    }

    private static func mixed(_ a: [Double], _ aShare: Double, _ b: [Double], _ bShare: Double) -> [Float] {
        zip(a, b).map { Float(aShare * $0 + bShare * $1) }
    }

    private static func spherical(_ a: [Double], _ b: [Double], _ t: Double) -> [Float] {
        let (aNorm, bNorm) = (norm(a), norm(b))
        guard aNorm > 0, bNorm > 0, a.count > 1 else { return mixed(a, 1 - t, b, t) }
        let from = a.map { $0 / aNorm }
        let to = b.map { $0 / bNorm }
        let cosine = dot(from, to)
        // The unit vector at right angles to `from` towards `to`; atan2 is exact for small angles where acos is not.
        var across = zip(to, from).map { $0 - cosine * $1 }
        var angle = atan2(norm(across), cosine)
        if norm(across) < 1e-9 {
            guard cosine < 0 else { return mixed(a, 1 - t, b, t) }
            let axis = from.indices.min { abs(from[$0]) < abs(from[$1]) } ?? 0
            across = from.indices.map { ($0 == axis ? 1 : 0) - from[axis] * from[$0] }
            angle = .pi
        }
        let length = norm(across)
        let radius = (1 - t) * aNorm + t * bNorm
        return zip(from, across).map { Float(radius * (cos(t * angle) * $0 + sin(t * angle) * $1 / length)) }
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    private static func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }
}

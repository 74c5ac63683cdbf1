import RealModule
import TensorCore

/// The covariance over the batch, divided by the number of images: μ `[D]`, and log σ² `[D]` whose mean variance is added to the
/// diagonal, → `[D, D]`.
struct BatchCovariance: CustomOperation {
    var name: String { "batch_covariance" }
    var formula: String? { "C = mean(μ·μᵀ) − mean(μ)·mean(μ)ᵀ + diag mean(σ²), over the batch" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard (1...2).contains(inputs.count), inputs[0].shape.rank == 1, inputs[0].rows == .images,
            inputs.allSatisfy({ $0 == inputs[0] })
        else { throw ZooError("batch_covariance: needs μ, and perhaps log σ², for each image", code: .mismatch) }
        return TensorType([inputs[0].shape.count, inputs[0].shape.count], .one)
    }

    private func mean<Element: RealNumber>(_ x: UnsafeBufferPointer<Element>, _ d: Int, _ size: Int, _ count: Int)
        -> Element
    {
        var sum: Element = 0
        for n in 0..<count { sum += x[n * size + d] }
        return sum / Element(count)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let x = t.inputs[0]
        let (count, size) = (t.imageCount, t.rowSize(0))
        for i in 0..<size {
            let meanI = mean(x, i, size, count)
            for j in i..<size {
                let meanJ = mean(x, j, size, count)
                var sum: Element = 0
                for n in 0..<count { sum += (x[n * size + i] - meanI) * (x[n * size + j] - meanJ) }
                t.output[i * size + j] = sum / Element(count)
                t.output[j * size + i] = t.output[i * size + j]
            }
            guard t.inputs.count > 1 else { continue }
            var variance: Element = 0
            for n in 0..<count { variance += .exp(t.inputs[1][n * size + i]) }
            t.output[i * size + i] += variance / Element(count)
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let x = t.inputs[0]
        let (count, size) = (t.imageCount, t.rowSize(0))
        for j in 0..<size {
            let meanJ = mean(x, j, size, count)
            for i in 0..<size {
                // The deviations sum to zero, so the means need no gradient of their own.
                let share = (t.outputGradient[i * size + j] + t.outputGradient[j * size + i]) / Element(count)
                guard let gradient = t.inputGradients[0], share != 0 else { continue }
                for n in 0..<count { gradient[n * size + i] += share * (x[n * size + j] - meanJ) }
            }
            guard t.inputs.count > 1, let gradient = t.inputGradients[1] else { continue }
            let share = t.outputGradient[j * size + j] / Element(count)
            for n in 0..<count { gradient[n * size + j] += share * .exp(t.inputs[1][n * size + j]) }
        }
    }
}

/// Σ (C_ij − [i = j])² over the diagonal, or over everything else: `[D, D]` → `[]`.
struct SquaredDistanceFromIdentity: CustomOperation {
    let size: Int
    let isDiagonal: Bool

    var name: String { isDiagonal ? "diagonal_distance" : "off_diagonal_squares" }
    var formula: String? { isDiagonal ? "y = Σ_i (C_ii − 1)²" : "y = Σ_{i≠j} C_ij²" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs == [TensorType([size, size], .one)] else {
            throw ZooError("\(name): needs a matrix [\(size), \(size)]", code: .mismatch)
        }
        return TensorType([], .one)
    }

    private func distance<Element: RealNumber>(_ index: Int, _ t: OperationTensors<Element>) -> Element {
        let isOnDiagonal = index % (size + 1) == 0
        guard isOnDiagonal == isDiagonal else { return 0 }
        return t.inputs[0][index] - (isOnDiagonal ? 1 : 0)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for i in 0..<size * size { t.output[0] += distance(i, t) * distance(i, t) }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for i in 0..<size * size { t.inputGradients[0]?[i] += 2 * t.outputGradient[0] * distance(i, t) }
    }
}

/// The squared maximum mean discrepancy between two samples of the same size (Gretton and others 2012, equations 3 and 5): a and b
/// `[D]` → `[]`.
public struct KernelDiscrepancy: CustomOperation {
    /// Of u = ‖a − b‖²/(2·D·σ²).
    public enum Kernel: String, CaseIterable, Sendable {
        /// exp(−u).
        case rbf
        /// Σ_s s/(s + u), s = 0.1, 0.2, 0.5, 1, 2, 5, 10 (inverse multiquadratics of several widths).
        case imq
        /// 1/(1 + u).
        case imqSingle = "imq_single"
    }

    let kernel: Kernel
    let bandwidth: Float
    let isUnbiased: Bool

    public var name: String { "mmd_" + kernel.rawValue }
    public var formula: String? { "y = mean k(a, a′) + mean k(b, b′) − 2·mean k(a, b), k = \(kernel.rawValue)" }

    public func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[0].shape.rank == 1, inputs[0].rows == .images, inputs[1] == inputs[0] else {
            throw ZooError("\(name): needs two vectors for each image", code: .mismatch)
        }
        return TensorType([], .one)
    }

    /// k, and its derivative with respect to u.
    private func value<Element: RealNumber>(_ u: Element) -> (Element, Element) {
        switch kernel {
        case .rbf:
            let value = Element.exp(-u)
            return (value, -value)
        case .imqSingle: return (1 / (1 + u), -1 / ((1 + u) * (1 + u)))
        case .imq:
            var (sum, derivative): (Element, Element) = (0, 0)
            for step in 0..<7 {
                let scale: Element =
                    switch step {
                    case 0: 0.1
                    case 1: 0.2
                    case 2: 0.5
                    case 3: 1
                    case 4: 2
                    case 5: 5
                    default: 10
                    }
                sum += scale / (scale + u)
                derivative -= scale / ((scale + u) * (scale + u))
            }
            return (sum, derivative)
        }
    }

    /// Calls `body` with each pair of rows that counts: which sample and row each is, the weight of the pair in the estimate, and u.
    private func forEachPair<Element: RealNumber>(
        _ t: OperationTensors<Element>, size: Int,
        _ body: ((sample: Int, row: Int), (sample: Int, row: Int), _ weight: Element, _ u: Element) -> Void
    ) {
        let count = t.imageCount
        let n = Element(count)
        let within = isUnbiased ? 1 / (n * max(1, n - 1)) : 1 / (n * n)
        let scale = 2 * Element(size) * Element(bandwidth) * Element(bandwidth)
        for pair in 0..<3 {
            let (a, b) = (pair == 1 ? 1 : 0, pair == 0 ? 0 : 1)
            let weight = a == b ? within : -2 / (n * n)
            for i in 0..<count {
                for j in 0..<count where !(isUnbiased && a == b && i == j) {
                    var sum: Element = 0
                    for d in 0..<size {
                        let distance = t.inputs[a][i * size + d] - t.inputs[b][j * size + d]
                        sum += distance * distance
                    }
                    body((a, i), (b, j), weight, sum / scale)
                }
            }
        }
    }

    public func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        forEachPair(t, size: t.rowSize(0)) { _, _, weight, u in t.output[0] += weight * value(u).0 }
    }

    public func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        let scale = 2 * Element(size) * Element(bandwidth) * Element(bandwidth)
        forEachPair(t, size: size) { a, b, weight, u in
            let share = t.outputGradient[0] * weight * value(u).1 * 2 / scale
            for d in 0..<size {
                let (i, j) = (a.row * size + d, b.row * size + d)
                let slope = share * (t.inputs[a.sample][i] - t.inputs[b.sample][j])
                t.inputGradients[a.sample]?[i] += slope
                t.inputGradients[b.sample]?[j] -= slope
            }
        }
    }
}

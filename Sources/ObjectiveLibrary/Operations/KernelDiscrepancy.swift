import RealModule
import TensorCore

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

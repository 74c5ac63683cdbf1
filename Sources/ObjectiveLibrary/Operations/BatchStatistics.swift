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

import RealModule
import TensorCore

/// The numbers of a planar layer f(z) = z + û·tanh(wᵀz + b), which do not depend on z.
private struct PlanarNumbers<Element: RealNumber> {
    /// wᵀu.
    let product: Element
    /// ‖w‖².
    let square: Element
    /// wᵀû = log(1 + eˢ) − 1 with s = wᵀu: above −1, so that f has an inverse.
    let slope: Element
    /// σ(s), what `slope` changes with s.
    let change: Element

    init(_ t: OperationTensors<Element>) {
        var (product, square): (Element, Element) = (0, 0)
        for d in 0..<t.rowSize(0) {
            product += t.inputs[1][d] * t.inputs[2][d]
            square += t.inputs[2][d] * t.inputs[2][d]
        }
        let e = Element.exp(-abs(product))
        self.product = product
        self.square = max(square, Element.leastNormalMagnitude)
        slope = max(0, product) + .log(onePlus: e) - 1
        change = product >= 0 ? 1 / (1 + e) : e / (1 + e)
    }

    /// c of û = u + c·w.
    var correction: Element { (slope - product) / square }

    /// tanh(wᵀz + b) of a row.
    func bend(_ n: Int, _ t: OperationTensors<Element>) -> Element {
        let size = t.rowSize(0)
        var sum = t.inputs[3][0]
        for d in 0..<size { sum += t.inputs[2][d] * t.inputs[0][n * size + d] }
        return .tanh(sum)
    }

    /// - Throws: `ZooError` for other inputs than z `[D]`, u and w `[D]`, b `[1]`.
    static func check(_ inputs: [TensorType], _ name: String) throws {
        guard inputs.count == 4, inputs[0].shape.rank == 1, inputs[0].rows != .one,
            inputs[1] == TensorType(inputs[0].shape, .one), inputs[2] == inputs[1], inputs[3] == TensorType([1], .one)
        else { throw ZooError("\(name): needs z, and u, w and b of a planar layer", code: .mismatch) }
    }
}

/// z + û·tanh(wᵀz + b) with û = u + (log(1 + eˢ) − 1 − s)·w/‖w‖², s = wᵀu: z `[D]`, u and w `[D]`, b `[1]` → `[D]`.
struct PlanarFlowStep: CustomOperation {
    var name: String { "planar_flow" }
    var definitionName: String { "objective.planar_flow" }
    var formula: String? { "y = z + û·tanh(wᵀz + b)" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        try PlanarNumbers<Double>.check(inputs, name)
        return inputs[0]
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let numbers = PlanarNumbers(t)
        let (size, correction) = (t.rowSize(0), numbers.correction)
        for n in 0..<t.outputRowCount {
            let bend = numbers.bend(n, t)
            for d in 0..<size {
                t.output[n * size + d] =
                    t.inputs[0][n * size + d] + (t.inputs[1][d] + correction * t.inputs[2][d]) * bend
            }
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let numbers = PlanarNumbers(t)
        let (size, correction) = (t.rowSize(0), numbers.correction)
        let (u, w) = (t.inputs[1], t.inputs[2])
        // Of û, by the elements of u and, through the correction, by what that depends on.
        var throughCorrection: Element = 0
        for n in 0..<t.rowCount(0) {
            let bend = numbers.bend(n, t)
            var byBend: Element = 0
            for d in 0..<size {
                let gradient = t.outputGradient[n * size + d]
                byBend += gradient * (u[d] + correction * w[d])
                t.inputGradients[1]?[d] += gradient * bend
                t.inputGradients[2]?[d] += gradient * bend * correction
                throughCorrection += gradient * bend * w[d]
            }
            let bySum = byBend * (1 - bend * bend)
            t.inputGradients[3]?[0] += bySum
            for d in 0..<size {
                t.inputGradients[0]?[n * size + d] += t.outputGradient[n * size + d] + bySum * w[d]
                t.inputGradients[2]?[d] += bySum * t.inputs[0][n * size + d]
            }
        }
        let byProduct = throughCorrection * (numbers.change - 1) / numbers.square
        let bySquare = -throughCorrection * correction / numbers.square
        for d in 0..<size {
            t.inputGradients[1]?[d] += byProduct * w[d]
            t.inputGradients[2]?[d] += byProduct * u[d] + bySquare * 2 * w[d]
        }
    }
}

/// log |det ∂f/∂z| = log(1 + (1 − tanh²(wᵀz + b))·wᵀû) of the step above: the same inputs → `[]`.
struct PlanarFlowDeterminant: CustomOperation {
    var name: String { "planar_flow_determinant" }
    var definitionName: String { "objective.planar_flow" }
    var formula: String? { "y = log(1 + (1 − tanh²(wᵀz + b))·wᵀû)" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        try PlanarNumbers<Double>.check(inputs, name)
        return TensorType([], inputs[0].rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let numbers = PlanarNumbers(t)
        for n in 0..<t.outputRowCount {
            let bend = numbers.bend(n, t)
            t.output[n] = .log(onePlus: (1 - bend * bend) * numbers.slope)
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let numbers = PlanarNumbers(t)
        let size = t.rowSize(0)
        let (u, w) = (t.inputs[1], t.inputs[2])
        var bySlope: Element = 0
        for n in 0..<t.rowCount(0) {
            let bend = numbers.bend(n, t)
            let flatness = 1 - bend * bend
            let share = t.outputGradient[n] / (1 + flatness * numbers.slope)
            bySlope += share * flatness
            let bySum = -2 * share * numbers.slope * bend * flatness
            t.inputGradients[3]?[0] += bySum
            for d in 0..<size {
                t.inputGradients[0]?[n * size + d] += bySum * w[d]
                t.inputGradients[2]?[d] += bySum * t.inputs[0][n * size + d]
            }
        }
        let byProduct = bySlope * numbers.change
        for d in 0..<size {
            t.inputGradients[1]?[d] += byProduct * w[d]
            t.inputGradients[2]?[d] += byProduct * u[d]
        }
    }
}

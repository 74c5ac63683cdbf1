import RealModule
import TensorCore

/// The derivative of an activation by what it gives, y: no input has to be kept.
enum JacobianSlope {
    /// Of the activations that are known.
    static let names = "sigmoid, tanh, relu, softplus or no activation"

    static func knows(_ activation: Activation) -> Bool {
        switch activation {
        case .identity, .relu, .sigmoid, .tanh, .softplus: true
        case .leakyReLU, .elu, .gelu, .silu: false
        }
    }

    /// φ′ where φ gives y, and the derivative of that with respect to y.
    static func of<Element: RealNumber>(_ activation: Activation, _ y: Element) -> (slope: Element, change: Element) {
        switch activation {
        case .sigmoid: (y * (1 - y), 1 - 2 * y)
        case .tanh: (1 - y * y, -2 * y)
        case .relu: (y > 0 ? 1 : 0, 0)
        case .softplus: (-.expMinusOne(-y), .exp(-y))
        case .identity, .leakyReLU, .elu, .gelu, .silu: (1, 0)
        }
    }
}

/// J·diag(φ′(y))·W, the Jacobian one layer further back: J `[D·U]` (left out: the identity, D = U), y `[U]`, W `[U, V]` → `[D·V]`.
struct JacobianProduct: CustomOperation {
    let activation: Activation

    var name: String { "jacobian_product" }
    var formula: String? { "y = J·diag(φ′)·W" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard [2, 3].contains(inputs.count), let weights = inputs.last, weights.rows == .one, weights.shape.rank == 2,
            inputs[inputs.count - 2] == TensorType([weights.shape.dimensions[0]]),
            inputs.count == 2
                || (inputs[0].rows == .images && inputs[0].shape.count.isMultiple(of: weights.shape.dimensions[0]))
        else { throw ZooError("\(name): needs a Jacobian, what a layer gives, and its weights", code: .mismatch) }
        let outputs = weights.shape.dimensions[0]
        let codes = inputs.count == 2 ? outputs : inputs[0].shape.count / outputs
        return TensorType([codes * weights.shape.dimensions[1]])
    }

    /// D, U, V and whether J is left out.
    private func sizes<Element: RealNumber>(_ t: OperationTensors<Element>) -> (
        codes: Int, outputs: Int, inputs: Int, isIdentity: Bool
    ) {
        let isIdentity = t.inputs.count == 2
        let (outputs, size) = (t.rowSize(t.inputs.count - 2), t.rowSize(t.inputs.count - 1))
        return (isIdentity ? outputs : t.rowSize(0) / outputs, outputs, size / outputs, isIdentity)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (codes, outputs, inputs, isIdentity) = sizes(t)
        let (y, weights) = (t.inputs[t.inputs.count - 2], t.inputs[t.inputs.count - 1])
        for n in 0..<t.outputRowCount {
            for d in 0..<codes {
                let row = (n * codes + d) * inputs
                for u in isIdentity ? d..<d + 1 : 0..<outputs {
                    let factor = isIdentity ? 1 : t.inputs[0][(n * codes + d) * outputs + u]
                    let scaled = factor * JacobianSlope.of(activation, y[n * outputs + u]).slope
                    for v in 0..<inputs { t.output[row + v] += scaled * weights[u * inputs + v] }
                }
            }
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (codes, outputs, inputs, isIdentity) = sizes(t)
        let place = t.inputs.count - 2
        let (y, weights) = (t.inputs[place], t.inputs[place + 1])
        for n in 0..<t.rowCount(place) {
            for d in 0..<codes {
                let row = (n * codes + d) * inputs
                for u in isIdentity ? d..<d + 1 : 0..<outputs {
                    let element = (n * codes + d) * outputs + u
                    let factor = isIdentity ? 1 : t.inputs[0][element]
                    let (slope, change) = JacobianSlope.of(activation, y[n * outputs + u])
                    var sum: Element = 0
                    for v in 0..<inputs { sum += t.outputGradient[row + v] * weights[u * inputs + v] }
                    if !isIdentity { t.inputGradients[0]?[element] += slope * sum }
                    t.inputGradients[place]?[n * outputs + u] += factor * change * sum
                    guard let gradient = t.inputGradients[place + 1] else { continue }
                    let share = factor * slope
                    for v in 0..<inputs { gradient[u * inputs + v] += share * t.outputGradient[row + v] }
                }
            }
        }
    }
}

/// ‖diag(φ′(y))·W‖²_F = Σ_u φ′(y_u)²·‖W_u‖², the norm of the Jacobian of one layer: y `[U]`, W `[U, V]` → `[]`.
struct JacobianNorm: CustomOperation {
    let activation: Activation

    var name: String { "jacobian_norm" }
    var formula: String? { "y = Σ_u φ′_u²·‖W_u‖²" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[1].rows == .one, inputs[1].shape.rank == 2,
            inputs[0] == TensorType([inputs[1].shape.dimensions[0]])
        else { throw ZooError("\(name): needs what a layer gives, and its weights", code: .mismatch) }
        return TensorType([])
    }

    private func squaredNorm<Element: RealNumber>(_ u: Int, _ t: OperationTensors<Element>) -> Element {
        let inputs = t.rowSize(1) / t.rowSize(0)
        var norm: Element = 0
        for v in u * inputs..<(u + 1) * inputs { norm += t.inputs[1][v] * t.inputs[1][v] }
        return norm
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let outputs = t.rowSize(0)
        for u in 0..<outputs {
            let norm = squaredNorm(u, t)
            for n in 0..<t.outputRowCount {
                let slope = JacobianSlope.of(activation, t.inputs[0][n * outputs + u]).slope
                t.output[n] += slope * slope * norm
            }
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let outputs = t.rowSize(0)
        let inputs = t.rowSize(1) / outputs
        for u in 0..<outputs {
            let norm = squaredNorm(u, t)
            var sum: Element = 0
            for n in 0..<t.outputGradient.count {
                let (slope, change) = JacobianSlope.of(activation, t.inputs[0][n * outputs + u])
                t.inputGradients[0]?[n * outputs + u] += 2 * t.outputGradient[n] * slope * change * norm
                sum += 2 * t.outputGradient[n] * slope * slope
            }
            guard let gradient = t.inputGradients[1] else { continue }
            for v in u * inputs..<(u + 1) * inputs { gradient[v] += sum * t.inputs[1][v] }
        }
    }
}

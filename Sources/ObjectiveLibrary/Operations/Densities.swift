import RealModule
import TensorCore

/// log N(z; μ, diag σ²) in nats: z, μ and log σ² `[D]` → `[]`.
struct GaussianLogDensity: CustomOperation {
    var name: String { "gaussian_log_density" }
    var formula: String? { "y = −½ Σ (log 2π + log σ² + (z − μ)²/σ²)" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 3, inputs[0].shape.rank == 1, inputs.allSatisfy({ $0 == inputs[0] }) else {
            throw ZooError("gaussian_log_density: needs z, μ and log σ² of one shape", code: .mismatch)
        }
        return TensorType([], inputs[0].rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (z, mean, logVariance) = (t.inputs[0], t.inputs[1], t.inputs[2])
        let size = t.rowSize(0)
        for n in 0..<t.outputRowCount {
            var sum: Element = 0
            for i in n * size..<(n + 1) * size {
                let distance = z[i] - mean[i]
                sum += logVariance[i] + distance * distance * .exp(-logVariance[i])
            }
            t.output[n] = -(sum + Element(size) * .log2Pi) / 2
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (z, mean, logVariance) = (t.inputs[0], t.inputs[1], t.inputs[2])
        let size = t.rowSize(0)
        for n in 0..<t.outputRowCount {
            let dy = t.outputGradient[n]
            for i in n * size..<(n + 1) * size {
                let precision = Element.exp(-logVariance[i])
                let distance = z[i] - mean[i]
                t.inputGradients[0]?[i] -= dy * distance * precision
                t.inputGradients[1]?[i] += dy * distance * precision
                t.inputGradients[2]?[i] -= dy * (1 - distance * distance * precision) / 2
            }
        }
    }
}

/// log N(z; 0, I) in nats: z `[D]` → `[]`.
struct StandardNormalLogDensity: CustomOperation {
    var name: String { "standard_normal_log_density" }
    var formula: String? { "y = −½ Σ (log 2π + z²)" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape.rank == 1 else {
            throw ZooError("standard_normal_log_density: needs z", code: .mismatch)
        }
        return TensorType([], inputs[0].rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        for n in 0..<t.outputRowCount {
            var sum: Element = 0
            for i in n * size..<(n + 1) * size { sum += t.inputs[0][i] * t.inputs[0][i] }
            t.output[n] = -(sum + Element(size) * .log2Pi) / 2
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let size = t.rowSize(0)
        for i in 0..<t.outputRowCount * size { gradient[i] -= t.outputGradient[i / size] * t.inputs[0][i] }
    }
}

/// log 1/K Σ_k N(z; μ_k, diag σ_k²) in nats: z `[D]` of each image, μ and log σ² `[D]` of K components → `[]` of each image.
struct MixtureLogDensity: CustomOperation {
    var name: String { "mixture_log_density" }
    var formula: String? { "y = log (1/K Σ_k N(z; μ_k, σ_k²))" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 3, inputs[0].shape.rank == 1, case .fixed = inputs[1].rows, inputs[2] == inputs[1],
            inputs[1].shape == inputs[0].shape
        else { throw ZooError("mixture_log_density: needs z, and μ and log σ² of components", code: .mismatch) }
        return TensorType([], inputs[0].rows)
    }

    /// Calls `body` with the log densities of each row of z under the components.
    private func forEachRow<Element: RealNumber>(
        _ t: OperationTensors<Element>, _ body: (Int, UnsafeMutableBufferPointer<Element>) -> Void
    ) {
        let (size, components) = (t.rowSize(0), t.rowCount(1))
        withUnsafeTemporaryAllocation(of: Element.self, capacity: components) { terms in
            for n in 0..<t.rowCount(0) {
                for k in 0..<components {
                    var sum: Element = 0
                    for d in 0..<size {
                        let (row, component) = (n * size + d, k * size + d)
                        let distance = t.inputs[0][row] - t.inputs[1][component]
                        let logVariance = t.inputs[2][component]
                        sum += logVariance + distance * distance * .exp(-logVariance)
                    }
                    terms[k] = -(sum + Element(size) * .log2Pi) / 2
                }
                body(n, terms)
            }
        }
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let constant = Element.log(Element(t.rowCount(1)))
        forEachRow(t) { n, terms in t.output[n] = logSumExp(terms) - constant }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        forEachRow(t) { n, terms in
            let total = logSumExp(terms)
            for k in terms.indices {
                let share = t.outputGradient[n] * .exp(terms[k] - total)
                for d in 0..<size {
                    let (row, component) = (n * size + d, k * size + d)
                    let precision = Element.exp(-t.inputs[2][component])
                    let distance = t.inputs[0][row] - t.inputs[1][component]
                    t.inputGradients[0]?[row] -= share * distance * precision
                    t.inputGradients[1]?[component] += share * distance * precision
                    t.inputGradients[2]?[component] -= share * (1 - distance * distance * precision) / 2
                }
            }
        }
    }
}

/// log Σ exp x, without overflow.
func logSumExp<Element: RealNumber>(_ terms: UnsafeMutableBufferPointer<Element>) -> Element {
    var most = -Element.infinity
    for term in terms { most = max(most, term) }
    guard most.isFinite else { return most }
    var sum: Element = 0
    for term in terms { sum += .exp(term - most) }
    return most + .log(sum)
}

extension FloatingPoint where Self: BinaryFloatingPoint {
    static var log2Pi: Self { Self(1.8378770664093453) }
}

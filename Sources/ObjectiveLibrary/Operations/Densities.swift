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

/// log q(z_i), or Σ_d log q(z_id), of the aggregate posterior q(z) = E_x q(z|x), estimated from a batch of M images of N: z, μ and
/// log σ² `[D]` → `[]`, in nats.
public struct AggregatePosterior: CustomOperation {
    /// How q(z) is estimated.
    public enum Weighting: String, CaseIterable, Sendable {
        /// log 1/(N·M) Σ_j q(z_i|x_j) (Chen and others 2018, equation 5). Biased: a lower bound.
        case minibatchWeighted = "minibatch_weighted"
        /// 1/N for the image itself, (N − M + 1)/(N·(M − 1)) for the next in the batch, 1/(M − 1) for the others (the same, appendix
        /// C.2). Unbiased within the logarithm.
        case minibatchStratified = "minibatch_stratified"
    }

    let weighting: Weighting
    /// Whether each dimension is averaged by itself.
    let isFactorized: Bool

    public var name: String { isFactorized ? "factorized_aggregate_posterior" : "aggregate_posterior" }

    public var formula: String? {
        isFactorized ? "y = Σ_d log Σ_j w_ij·q(z_id|x_j)" : "y = log Σ_j w_ij·q(z_i|x_j)"
    }

    public func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 3, inputs[0].shape.rank == 1, inputs[0].rows == .images,
            inputs.allSatisfy({ $0 == inputs[0] })
        else { throw ZooError("\(name): needs z, μ and log σ² of one shape, one for each image", code: .mismatch) }
        return TensorType([], .images)
    }

    /// log w_ij.
    private func logWeight<Element: RealNumber>(_ i: Int, _ j: Int, _ t: OperationTensors<Element>) -> Element {
        let (batch, dataset) = (Element(t.imageCount), Element(max(t.values.datasetSize, t.imageCount)))
        switch weighting {
        case .minibatchWeighted: return -.log(batch * dataset)
        case .minibatchStratified:
            let others = batch - 1
            guard others > 0, i != j else { return -.log(others > 0 ? dataset : 1) }
            return j == (i + 1) % t.imageCount ? .log((dataset - others) / (dataset * others)) : -.log(others)
        }
    }

    /// Calls `body` with the terms log w_ij + log q of one z_i or z_id, for each: the dimensions they are over, i, and the terms
    /// over j.
    private func forEachRow<Element: RealNumber>(
        _ t: OperationTensors<Element>, _ body: (Range<Int>, Int, UnsafeMutableBufferPointer<Element>) -> Void
    ) {
        let (z, mean, logVariance) = (t.inputs[0], t.inputs[1], t.inputs[2])
        let count = t.imageCount
        let size = t.rowSize(0)
        let parts = isFactorized ? size : 1
        withUnsafeTemporaryAllocation(of: Element.self, capacity: count) { terms in
            for i in 0..<count {
                for part in 0..<parts {
                    let dimensions = isFactorized ? part..<part + 1 : 0..<size
                    for j in 0..<count {
                        var sum: Element = 0
                        for d in dimensions {
                            let distance = z[i * size + d] - mean[j * size + d]
                            let logVariance = logVariance[j * size + d]
                            sum += logVariance + distance * distance * .exp(-logVariance)
                        }
                        terms[j] = logWeight(i, j, t) - (sum + Element(dimensions.count) * .log2Pi) / 2
                    }
                    body(dimensions, i, terms)
                }
            }
        }
    }

    public func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        forEachRow(t) { _, i, terms in t.output[i] += logSumExp(terms) }
    }

    public func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (z, mean, logVariance) = (t.inputs[0], t.inputs[1], t.inputs[2])
        let size = t.rowSize(0)
        forEachRow(t) { dimensions, i, terms in
            let total = logSumExp(terms)
            for j in terms.indices {
                let share = t.outputGradient[i] * .exp(terms[j] - total)
                for d in dimensions {
                    let (row, column) = (i * size + d, j * size + d)
                    let precision = Element.exp(-logVariance[column])
                    let distance = z[row] - mean[column]
                    t.inputGradients[0]?[row] -= share * distance * precision
                    t.inputGradients[1]?[column] += share * distance * precision
                    t.inputGradients[2]?[column] -= share * (1 - distance * distance * precision) / 2
                }
            }
        }
    }
}

/// The K images that a parameter holds, each number between 0 and 1: `[K, C·H·W]` → K rows of the shape of an image.
struct PseudoInputs: CustomOperation {
    let shape: Shape

    var name: String { "pseudo_inputs" }
    var formula: String? { "y = x, at least 0 and at most 1" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].rows == .one, inputs[0].shape.rank == 2,
            inputs[0].shape.dimensions[1] == shape.count
        else { throw ZooError("pseudo_inputs: needs a parameter with a row for each image", code: .mismatch) }
        return TensorType(shape, .fixed(inputs[0].shape.dimensions[0]))
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for i in t.output.indices { t.output[i] = min(1, max(0, t.inputs[0][i])) }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        for i in gradient.indices where t.inputs[0][i] >= 0 && t.inputs[0][i] <= 1 {
            gradient[i] += t.outputGradient[i]
        }
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

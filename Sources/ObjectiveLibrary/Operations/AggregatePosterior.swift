import RealModule
import TensorCore

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

import RealModule
import TensorCore

// What several latents in one model are made of. Where an input has fewer rows than the output, each counts for as many of its.

/// Vectors one after another: `[D_1]`, `[D_2]` … → `[ΣD]`.
package struct JoinedVectors: CustomOperation {
    package init() {}

    package var name: String { "joined_vectors" }
    package var definitionName: String { "latent.levels" }
    package var formula: String? { "y = x1, then x2 …" }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        let rows = inputs.map(\.rows).max { $0.count(images: 1) < $1.count(images: 1) }
        guard let rows, inputs.allSatisfy({ $0.shape.rank == 1 && rows.isMultiple(of: $0.rows) }) else {
            throw ZooError("\(name): needs vectors", code: .mismatch)
        }
        return TensorType([inputs.reduce(0) { $0 + $1.shape.count }], rows)
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let whole = t.outputType.shape.count
        var first = 0
        for (input, x) in t.inputs.enumerated() {
            let (size, repeats) = (t.rowSize(input), t.repeats(input))
            for n in 0..<t.outputRowCount {
                for d in 0..<size { t.output[n * whole + first + d] = x[n / repeats * size + d] }
            }
            first += size
        }
    }

    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let whole = t.outputType.shape.count
        var first = 0
        for (input, gradient) in t.inputGradients.enumerated() {
            let (size, repeats) = (t.rowSize(input), t.repeats(input))
            if let gradient {
                for n in 0..<t.outputRowCount {
                    for d in 0..<size { gradient[n / repeats * size + d] += t.outputGradient[n * whole + first + d] }
                }
            }
            first += size
        }
    }
}

/// Some numbers of a vector: `[D]` → `[count]`.
package struct VectorPart: CustomOperation {
    package let part: Range<Int>

    package init(_ part: Range<Int>) { self.part = part }

    package var name: String { "vector_part" }
    package var definitionName: String { "latent.levels" }
    package var formula: String? { "y = x_\(part.lowerBound + 1) … x_\(part.upperBound)" }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape.rank == 1, part.upperBound <= inputs[0].shape.count else {
            throw ZooError("\(name): needs a vector of at least \(part.upperBound) numbers", code: .mismatch)
        }
        return TensorType([part.count], inputs[0].rows)
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        for n in 0..<t.outputRowCount {
            for (i, d) in part.enumerated() { t.output[n * part.count + i] = t.inputs[0][n * size + d] }
        }
    }

    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        for n in 0..<t.outputRowCount {
            for (i, d) in part.enumerated() {
                t.inputGradients[0]?[n * size + d] += t.outputGradient[n * part.count + i]
            }
        }
    }
}

/// What is known of a latent from below, N(μ, σ²), and from above, N(m, s²), as one Gaussian whose precision is the sum of both (Sønderby
/// and others 2016, equations 17 and 18), in the units of what is known from above: of u = (z − m)/s, whose prior is N(0, I). Inputs
/// μ, log σ², m and log s² `[D]` → `[D]`, its mean or its log variance.
package struct PrecisionWeighted: CustomOperation {
    package enum Moment: Sendable {
        /// s²/(σ² + s²)·(μ − m)/s.
        case mean
        /// log (σ²/(σ² + s²)).
        case logVariance
    }

    let moment: Moment

    package init(_ moment: Moment) { self.moment = moment }

    package var name: String { moment == .mean ? "precision_weighted_mean" : "precision_weighted_log_variance" }
    package var definitionName: String { "latent.levels" }
    package var formula: String? {
        "y = \(moment == .mean ? "r/(1 + r)·(x1 − x3)·e^(−½·x4)" : "−log(1 + r)") with r = e^(x4 − x2)"
    }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 4, inputs[0].shape.rank == 1, inputs[1] == inputs[0], inputs[3] == inputs[2],
            inputs[2].shape == inputs[0].shape, inputs[2].rows.isMultiple(of: inputs[0].rows)
        else { throw ZooError("\(name): needs μ, log σ², m and log s² of one shape", code: .mismatch) }
        return inputs[2]
    }

    /// r/(1 + r), the share of what is known from below.
    private func share<Element: RealNumber>(_ logRatio: Element) -> Element {
        let e = Element.exp(-abs(logRatio))
        return logRatio >= 0 ? 1 / (1 + e) : e / (1 + e)
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (size, repeats) = (t.rowSize(0), t.repeats(0))
        for n in 0..<t.outputRowCount {
            for d in 0..<size {
                let (below, above) = (n / repeats * size + d, n * size + d)
                let logRatio = t.inputs[3][above] - t.inputs[1][below]
                switch moment {
                case .mean:
                    let distance = (t.inputs[0][below] - t.inputs[2][above]) * .exp(-t.inputs[3][above] / 2)
                    t.output[above] = share(logRatio) * distance
                case .logVariance:
                    t.output[above] = -(max(0, logRatio) + .log(onePlus: .exp(-abs(logRatio))))
                }
            }
        }
    }

    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (size, repeats) = (t.rowSize(0), t.repeats(0))
        for n in 0..<t.outputRowCount {
            for d in 0..<size {
                let (below, above) = (n / repeats * size + d, n * size + d)
                let share = share(t.inputs[3][above] - t.inputs[1][below])
                let dy = t.outputGradient[above]
                switch moment {
                case .mean:
                    let precision = Element.exp(-t.inputs[3][above] / 2)
                    let distance = (t.inputs[0][below] - t.inputs[2][above]) * precision
                    let byShare = dy * share * (1 - share) * distance
                    t.inputGradients[0]?[below] += dy * share * precision
                    t.inputGradients[1]?[below] -= byShare
                    t.inputGradients[2]?[above] -= dy * share * precision
                    t.inputGradients[3]?[above] += byShare - dy * share * distance / 2
                case .logVariance:
                    t.inputGradients[1]?[below] += dy * share
                    t.inputGradients[3]?[above] -= dy * share
                }
            }
        }
    }
}

/// m + s·u: u, m and log s² `[D]` → `[D]`.
package struct Rescaled: CustomOperation {
    package init() {}

    package var name: String { "rescaled" }
    package var definitionName: String { "latent.levels" }
    package var formula: String? { "y = x2 + e^(½·x3)·x1" }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 3, inputs.allSatisfy({ $0 == inputs[0] }) else {
            throw ZooError("\(name): needs u, m and log s² of one shape", code: .mismatch)
        }
        return inputs[0]
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for i in t.output.indices { t.output[i] = t.inputs[1][i] + .exp(t.inputs[2][i] / 2) * t.inputs[0][i] }
    }

    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for i in t.outputGradient.indices {
            let (dy, deviation) = (t.outputGradient[i], Element.exp(t.inputs[2][i] / 2))
            t.inputGradients[0]?[i] += dy * deviation
            t.inputGradients[1]?[i] += dy
            t.inputGradients[2]?[i] += dy * deviation * t.inputs[0][i] / 2
        }
    }
}

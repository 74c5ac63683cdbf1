import RealModule
import TensorCore

/// log w = log p(x|z) + log p(z) − log q(z|x): −log p(x|z) `[]` and z `[D]` of several samples for each image, μ and log σ² `[D]` of each
/// image, or of each sample → `[]` of each sample. The prior is N(0, I), whose constant cancels that of q, unless log p(z) `[]` of each sample is given.
struct LogImportanceWeight: CustomOperation {
    var name: String { "log_importance_weight" }
    var formula: String? { "log w = −L_rec + ½ Σ (log σ² + (z − μ)²/σ² − z²)" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard [4, 5].contains(inputs.count), inputs[0].shape.rank == 0, inputs[1].rows == inputs[0].rows,
            inputs[2].shape == inputs[1].shape, inputs[1].rows.isMultiple(of: inputs[2].rows), inputs[3] == inputs[2],
            inputs[1].rows != .one,
            inputs.count == 4 || inputs[4] == inputs[0]
        else {
            throw ZooError("log_importance_weight: needs a loss and z of each sample, μ and log σ²", code: .mismatch)
        }
        return inputs[0]
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(1)
        let samples = t.repeats(2)
        let hasPrior = t.inputs.count == 5
        for row in 0..<t.outputRowCount {
            var sum: Element = 0
            for d in 0..<size {
                let (z, i) = (t.inputs[1][row * size + d], row / samples * size + d)
                let distance = z - t.inputs[2][i]
                sum += t.inputs[3][i] + distance * distance * .exp(-t.inputs[3][i])
                sum += hasPrior ? .log2Pi : -z * z
            }
            t.output[row] = sum / 2 - t.inputs[0][row] + (hasPrior ? t.inputs[4][row] : 0)
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(1)
        let samples = t.repeats(2)
        let hasPrior = t.inputs.count == 5
        for row in 0..<t.outputRowCount {
            let dy = t.outputGradient[row]
            t.inputGradients[0]?[row] -= dy
            if hasPrior { t.inputGradients[4]?[row] += dy }
            for d in 0..<size {
                let (z, i) = (t.inputs[1][row * size + d], row / samples * size + d)
                let precision = Element.exp(-t.inputs[3][i])
                let distance = z - t.inputs[2][i]
                t.inputGradients[1]?[row * size + d] += dy * (distance * precision - (hasPrior ? 0 : z))
                t.inputGradients[2]?[i] -= dy * distance * precision
                t.inputGradients[3]?[i] += dy * (1 - distance * distance * precision) / 2
            }
        }
    }
}

/// −log 1/K Σ_k w_k, or the mean of several such numbers, from log w `[]` of each sample → `[]` of each image.
struct ImportanceWeightedBound: CustomOperation {
    /// K.
    let sampleCount: Int

    var name: String { "importance_weighted_bound" }
    var formula: String? { "y = −log (1/\(sampleCount) Σ w)" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape.rank == 0, inputs[0].rows.count(images: 1) % sampleCount == 0,
            inputs[0].rows != .one
        else { throw ZooError("\(name): needs \(sampleCount) log weights for each image", code: .mismatch) }
        return TensorType([], .images)
    }

    /// log Σ w of the samples from `first` on.
    private func logSum<Element: RealNumber>(_ first: Int, _ t: OperationTensors<Element>) -> Element {
        var most = -Element.infinity
        for row in first..<first + sampleCount { most = max(most, t.inputs[0][row]) }
        guard most.isFinite else { return most }
        var sum: Element = 0
        for row in first..<first + sampleCount { sum += .exp(t.inputs[0][row] - most) }
        return most + .log(sum)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let repeats = t.rowCount(0) / t.imageCount / sampleCount
        for n in 0..<t.imageCount {
            var sum: Element = 0
            for m in 0..<repeats { sum += logSum((n * repeats + m) * sampleCount, t) }
            t.output[n] = .log(Element(sampleCount)) - sum / Element(repeats)
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let repeats = t.rowCount(0) / t.imageCount / sampleCount
        for n in 0..<t.imageCount {
            for m in 0..<repeats {
                let first = (n * repeats + m) * sampleCount
                let total = logSum(first, t)
                for row in first..<first + sampleCount {
                    gradient[row] -= t.outputGradient[n] / Element(repeats) * .exp(t.inputs[0][row] - total)
                }
            }
        }
    }
}

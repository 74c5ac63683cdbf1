import RealModule
import TensorCore

/// The vectors of a codebook that codes stand for: numbers `[H·W]` and vectors `[K, D]` → `[D, H, W]`, or `[D]` of a single code. What
/// is no number of a vector counts as the nearest that is.
package struct CodebookVectors: CustomOperation {
    let shape: Shape

    package init(shape: Shape) { self.shape = shape }

    package var name: String { "codebook_vectors" }
    package var definitionName: String { "latent.codebook" }
    package var formula: String? { "y = the vectors of the codes" }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[0].shape == [shape.area], inputs[1].rows == .one, inputs[1].shape.rank == 2,
            inputs[1].shape.dimensions[1] == shape.channels
        else { throw ZooError("codebook_vectors: needs codes and their vectors", code: .mismatch) }
        return TensorType(shape, inputs[0].rows)
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (size, area) = (shape.channels, shape.area)
        let last = Element(t.rowSize(1) / size - 1)
        for n in 0..<t.outputRowCount {
            for position in 0..<area {
                let code = Int(min(last, max(0, t.inputs[0][n * area + position])))
                for d in 0..<size { t.output[(n * size + d) * area + position] = t.inputs[1][code * size + d] }
            }
        }
    }

    /// Codes are given; nothing learns from them.
    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {}
}

/// ‖z − sg(e)‖², summed over positions: the encoder's vectors z and those of the codebook e in their places, of one shape → `[]`. The
/// gradient is that of z alone.
struct CommitmentDistance: CustomOperation {
    var name: String { "commitment" }
    var formula: String? { "y = ‖z − sg(e)‖²" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[0] == inputs[1] else {
            throw ZooError("commitment: needs two tensors of one shape", code: .mismatch)
        }
        return TensorType([], inputs[0].rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        for n in 0..<t.outputRowCount {
            var sum = 0.0
            for i in n * size..<(n + 1) * size {
                let distance = t.inputs[0][i] - t.inputs[1][i]
                sum += Double(distance * distance)
            }
            t.output[n] = Element(sum)
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let size = t.rowSize(0)
        for i in gradient.indices {
            gradient[i] += 2 * t.outputGradient[i / size] * (t.inputs[0][i] - t.inputs[1][i])
        }
    }
}

/// ‖sg(z) − e‖², summed over positions: the encoder's vectors z `[D, H, W]` (or `[D]`), the codes `[H·W]` and the codebook's vectors
/// `[K, D]` → `[]`. The gradient is that of the codebook alone.
struct CodebookDistance: CustomOperation {
    var name: String { "codebook_loss" }
    var formula: String? { "y = ‖sg(z) − e‖²" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 3, inputs[1] == TensorType([inputs[0].shape.area], inputs[0].rows),
            inputs[2].rows == .one, inputs[2].shape.rank == 2, inputs[2].shape.dimensions[1] == inputs[0].shape.channels
        else { throw ZooError("codebook_loss: needs vectors, codes and the codebook", code: .mismatch) }
        return TensorType([], inputs[0].rows)
    }

    /// Calls `body` with the row of each vector, its code, element and distance from the codebook's.
    private func forEachElement<Element: RealNumber>(
        _ t: OperationTensors<Element>, _ body: (_ row: Int, _ element: Int, _ distance: Element) -> Void
    ) {
        let (size, area) = (t.inputTypes[0].shape.channels, t.inputTypes[0].shape.area)
        for n in 0..<t.rowCount(0) {
            for position in 0..<area {
                let code = Int(t.inputs[1][n * area + position])
                for d in 0..<size {
                    let element = code * size + d
                    body(n, element, t.inputs[0][(n * size + d) * area + position] - t.inputs[2][element])
                }
            }
        }
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        forEachElement(t) { row, _, distance in t.output[row] += distance * distance }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[2] else { return }
        forEachElement(t) { row, element, distance in gradient[element] -= 2 * t.outputGradient[row] * distance }
    }
}

/// exp of the entropy of how often the codes of a batch are each of K: codes `[H·W]` → `[]`; 1 where all are the same, K where all are
/// used alike.
package struct CodePerplexity: CustomOperation {
    let codes: Int

    package init(codes: Int) { self.codes = codes }

    package var name: String { "perplexity" }
    package var formula: String? { "y = exp(−Σ p·log p), p the share of each code in the batch" }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape.rank == 1, inputs[0].rows == .images else {
            throw ZooError("perplexity: needs codes of each image", code: .mismatch)
        }
        return TensorType([], .one)
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let count = t.imageCount * t.rowSize(0)
        var entropy = 0.0
        // Sorting would need memory: the codes are counted one after another, each where it is met for the first time.
        for first in 0..<count {
            let code = t.inputs[0][first]
            guard !t.inputs[0][..<first].contains(code) else { continue }
            var uses = 0
            for place in first..<count where t.inputs[0][place] == code { uses += 1 }
            let share = Double(uses) / Double(count)
            entropy -= share * .log(share)
        }
        t.output[0] = Element(Double.exp(entropy))
    }

    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {}
}

/// −Σ log softmax(x)_i over the positions, in nats: logits `[K, H, W]` and codes `[H·W]` → `[]`.
struct CodeCrossEntropy: CustomOperation {
    var name: String { "code_cross_entropy" }
    var formula: String? { "y = Σ log Σ exp x − x_i over positions" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[0].shape.rank == 3,
            inputs[1] == TensorType([inputs[0].shape.area], inputs[0].rows)
        else { throw ZooError("code_cross_entropy: needs logits and codes for each position", code: .mismatch) }
        return TensorType([], inputs[0].rows)
    }

    /// log Σ exp x of the codes at one position.
    private func total<Element: RealNumber>(
        _ first: Int, _ area: Int, _ codes: Int, _ t: OperationTensors<Element>
    ) -> Element {
        var most = t.inputs[0][first]
        for k in 1..<max(1, codes) { most = max(most, t.inputs[0][first + k * area]) }
        var sum: Element = 0
        for k in 0..<codes { sum += .exp(t.inputs[0][first + k * area] - most) }
        return most + .log(sum)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (codes, area) = (t.inputTypes[0].shape.channels, t.inputTypes[0].shape.area)
        for n in 0..<t.outputRowCount {
            var sum = 0.0
            for position in 0..<area {
                let first = n * codes * area + position
                let code = Int(t.inputs[1][n * area + position])
                sum += Double(total(first, area, codes, t) - t.inputs[0][first + code * area])
            }
            t.output[n] = Element(sum)
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let (codes, area) = (t.inputTypes[0].shape.channels, t.inputTypes[0].shape.area)
        for n in 0..<t.outputGradient.count {
            for position in 0..<area {
                let first = n * codes * area + position
                let total = total(first, area, codes, t)
                for k in 0..<codes {
                    let place = first + k * area
                    gradient[place] += t.outputGradient[n] * .exp(t.inputs[0][place] - total)
                }
                gradient[first + Int(t.inputs[1][n * area + position]) * area] -= t.outputGradient[n]
            }
        }
    }
}

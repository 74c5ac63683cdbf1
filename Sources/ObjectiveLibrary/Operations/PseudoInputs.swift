import RealModule
import TensorCore

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

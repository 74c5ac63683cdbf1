import LayerLibrary
import RealModule
import TensorCore

/// The continuous Bernoulli distribution on [0, 1], with its normaliser (Loaiza-Ganem and Cunningham 2019, equations 4 and 5): of
/// logits l, log p(x) = x·l − log(1 + eˡ) + log C(l) with C = l/tanh(l/2).
public struct ContinuousBernoulli: PixelDistribution {
    public init() {}

    public var name: String { "continuous_bernoulli" }
    public var takesLogits: Bool { true }

    public func parameterShape(for image: Shape) -> Shape { image }

    public func loss(_ parameters: TensorID, images: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        try builder.custom(ContinuousBernoulliLoss(), [parameters, images])
    }

    public func mean(_ parameters: TensorID, image: Shape, into builder: inout GraphBuilder) throws -> TensorID {
        try builder.custom(ContinuousBernoulliMean(), [parameters])
    }

    static let descriptor = DistributionDescriptor(
        name: "continuous_bernoulli", summary: "The Bernoulli density on [0, 1] with its normaliser, from logits.",
        source: "Loaiza-Ganem and Cunningham 2019, eq. 4 and 5"
    ) { _ in ContinuousBernoulli() }
}

/// log(l/tanh(l/2)) and its derivative 1/l − 1/sinh l, by their series where both terms nearly cancel.
private func logNormalizer<Element: RealNumber>(_ logit: Element) -> (value: Element, derivative: Element) {
    let (size, square) = (abs(logit), logit * logit)
    guard size < 0.5 else {
        // 1/sinh l falls below every rounding before sinh overflows.
        let derivative = 1 / logit - (size > 80 ? 0 : 1 / .sinh(logit))
        return (.log(size) - .log(.tanh(size / 2)), derivative)
    }
    var value: Element = Element(-127.0 / 4_838_400) + square * Element(73.0 / 34_214_400)
    value = Element(31.0 / 90_720) + square * value
    value = Element(-7.0 / 1440) + square * value
    value = Element(1.0 / 12) + square * value
    var slope: Element = Element(-127.0 / 604_800) + square * Element(73.0 / 3_421_440)
    slope = Element(31.0 / 15_120) + square * slope
    slope = Element(-7.0 / 360) + square * slope
    slope = Element(1.0 / 6) + square * slope
    return (.log(2) + square * value, logit * slope)
}

/// Σ log(1 + eˡ) − x·l − log C(l): logits and images of one shape → `[]`.
private struct ContinuousBernoulliLoss: CustomOperation {
    var name: String { "continuous_bernoulli" }
    var formula: String? { "y = Σ log(1 + eˡ) − x·l − log(l/tanh(l/2))" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[0].shape == inputs[1].shape, inputs[1].rows == .images else {
            throw ZooError("continuous_bernoulli: needs logits in the shape of the images", code: .mismatch)
        }
        return TensorType([], inputs[0].rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        let samples = t.outputRowCount / t.imageCount
        for n in 0..<t.outputRowCount {
            var sum = 0.0
            for p in 0..<size {
                let (l, x) = (t.inputs[0][n * size + p], t.inputs[1][n / samples * size + p])
                sum += Double(max(0, l) + .log(onePlus: .exp(-abs(l))) - x * l - logNormalizer(l).value)
            }
            t.output[n] = Element(sum)
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let size = t.rowSize(0)
        let samples = t.outputGradient.count / t.imageCount
        for n in t.outputGradient.indices {
            for p in 0..<size {
                let (l, x) = (t.inputs[0][n * size + p], t.inputs[1][n / samples * size + p])
                let e = Element.exp(-abs(l))
                let sigmoid = l >= 0 ? 1 / (1 + e) : e / (1 + e)
                gradient[n * size + p] += t.outputGradient[n] * (sigmoid - x - logNormalizer(l).derivative)
            }
        }
    }
}

/// E[x] = 1/(1 − e⁻ˡ) − 1/l = sigmoid(l) − d log C/dl of each logit.
private struct ContinuousBernoulliMean: CustomOperation {
    var name: String { "continuous_bernoulli_mean" }
    var definitionName: String { "objective.reconstruction.continuous_bernoulli" }
    var formula: String? { "y = 1/(1 − e⁻ˣ) − 1/x" }

    func output(_ inputs: [TensorType]) throws -> TensorType { inputs[0] }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        for i in t.output.indices {
            let l = t.inputs[0][i]
            let e = Element.exp(-abs(l))
            t.output[i] = (l >= 0 ? 1 / (1 + e) : e / (1 + e)) - logNormalizer(l).derivative
        }
    }

    /// The mean is what is shown; nothing learns from it.
    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {}
}

import RealModule
import TensorCore

// What models compute that know the class of few images. A label is 1 among zeros `[K]`, or all zeros where there is none.

/// Each of the K classes in turn for every image: labels `[K]` → K rows `[K]` for each image. No gradient.
package struct EveryClass: CustomOperation {
    package init() {}

    package var name: String { "every_class" }
    package var definitionName: String { "objective.classifier" }
    package var formula: String? { "y = 1 at k and 0 elsewhere, for each class k" }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape.rank == 1, inputs[0].rows == .images else {
            throw ZooError("\(name): needs a label of each image", code: .mismatch)
        }
        return TensorType(inputs[0].shape, .perImage(inputs[0].shape.count))
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let count = t.rowSize(0)
        for row in 0..<t.outputRowCount { t.output[row * count + row % count] = 1 }
    }

    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {}
}

extension OperationTensors {
    /// The class that a row of an input is a label of; nil for none.
    fileprivate func label(_ n: Int, _ input: Int) -> Int? {
        let size = rowSize(input)
        return (0..<size).first { inputs[input][n * size + $0] > 0 }
    }

    /// Rows of an input that are labels.
    fileprivate func labelCount(_ input: Int) -> Int {
        (0..<rowCount(input)).count { label($0, input) != nil }
    }

    /// log Σ exp of a row of an input, without overflow.
    fileprivate func logSumExp(_ n: Int, _ input: Int) -> Element {
        let row = n * rowSize(input)..<(n + 1) * rowSize(input)
        var most = inputs[input][row.lowerBound]
        for i in row { most = max(most, inputs[input][i]) }
        var sum: Element = 0
        for i in row { sum += .exp(inputs[input][i] - most) }
        return most + .log(sum)
    }
}

extension LabelledImages {
    /// How many images of a batch one with a label stands for, for a mean over those that have one.
    fileprivate func standing<Element: RealNumber>(_ t: OperationTensors<Element>, labels: Int) -> Element {
        perBatch == 0
            ? Element(t.values.datasetSize) / Element(count) : Element(t.outputRowCount) / Element(max(labels, 1))
    }

    /// What an image counts for the mean over all, so that either kind has its share of the data set.
    fileprivate func weight<Element: RealNumber>(
        _ t: OperationTensors<Element>, isLabelled: Bool, labels: Int
    ) -> Element {
        guard perBatch > 0 else { return 1 }
        let share = min(1, Element(count) / Element(t.values.datasetSize))
        let (all, some) = (Element(t.outputRowCount), Element(labels))
        return isLabelled ? share * all / some : (1 - share) * all / (all - some)
    }
}

/// How much each class counts for an image: its label where it has one, else softmax of the logits: logits and labels `[K]` → `[K]`.
///
/// Where a batch has more images with a label than its share of the data set, the shares of an image add up to what it counts, not to 1.
package struct ClassShares: CustomOperation {
    /// The images whose labels are looked at, in training; nil where images are judged.
    let labelled: LabelledImages?

    package init(_ labelled: LabelledImages?) { self.labelled = labelled }

    package var name: String { "class_shares" }
    package var definitionName: String { "objective.classifier" }
    package var formula: String? {
        guard let labelled, labelled.perBatch > 0 else { return "y = x2 where it is a label, else softmax x1" }
        let share = "\(labelled.count)/N"
        return
            "y = x2·\(share)·B/b where it is a label, else softmax x1·(1 − \(share))·B/(B − b); b of B images have one"
    }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[0].shape.rank == 1, inputs[0].rows == .images, inputs[1] == inputs[0] else {
            throw ZooError("\(name): needs logits and a label of each image", code: .mismatch)
        }
        return inputs[0]
    }

    /// The label that an image is given, and what it counts.
    private func given<Element: RealNumber>(_ t: OperationTensors<Element>, _ n: Int, _ labels: Int) -> (Int?, Element)
    {
        guard let labelled else { return (nil, 1) }
        let label = t.label(n, 1)
        return (label, labelled.weight(t, isLabelled: label != nil, labels: labels))
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (size, labels) = (t.rowSize(0), t.labelCount(1))
        for n in 0..<t.outputRowCount {
            let (label, weight) = given(t, n, labels)
            if let label {
                for k in 0..<size { t.output[n * size + k] = k == label ? weight : 0 }
                continue
            }
            let total = t.logSumExp(n, 0)
            for k in 0..<size { t.output[n * size + k] = weight * .exp(t.inputs[0][n * size + k] - total) }
        }
    }

    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let (size, labels) = (t.rowSize(0), t.labelCount(1))
        for n in 0..<t.rowCount(0) {
            let (label, weight) = given(t, n, labels)
            guard label == nil else { continue }
            let total = t.logSumExp(n, 0)
            func share(_ k: Int) -> Element { .exp(t.inputs[0][n * size + k] - total) }
            var mean: Element = 0
            for k in 0..<size { mean += share(k) * t.outputGradient[n * size + k] }
            for k in 0..<size {
                gradient[n * size + k] += weight * share(k) * (t.outputGradient[n * size + k] - mean)
            }
        }
    }
}

/// The mean over the classes: K rows of x for each image, and shares `[K]` → one row of the shape of x.
package struct ClassMean: CustomOperation {
    package init() {}

    package var name: String { "class_mean" }
    package var definitionName: String { "objective.classifier" }
    package var formula: String? { "y = Σ_k x2_k·x1_k" }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[1].shape.rank == 1, inputs[1].rows == .images,
            inputs[0].rows == .perImage(inputs[1].shape.count)
        else {
            throw ZooError(
                "\(name): needs a row of each class", advice: "put the layer condition into encoder and decoder",
                code: .mismatch)
        }
        return TensorType(inputs[0].shape, .images)
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (size, classes) = (t.rowSize(0), t.rowSize(1))
        for row in 0..<t.rowCount(0) {
            for i in 0..<size { t.output[row / classes * size + i] += t.inputs[1][row] * t.inputs[0][row * size + i] }
        }
    }

    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (size, classes) = (t.rowSize(0), t.rowSize(1))
        for row in 0..<t.rowCount(0) {
            for i in 0..<size {
                let dy = t.outputGradient[row / classes * size + i]
                t.inputGradients[0]?[row * size + i] += dy * t.inputs[1][row]
                t.inputGradients[1]?[row] += dy * t.inputs[0][row * size + i]
            }
        }
    }
}

/// KL(q ‖ p) from the uniform p, times what an image counts: shares `[K]`, which add up to that → `[]`, in nats.
struct ClassDivergence: CustomOperation {
    var name: String { "class_divergence" }
    var definitionName: String { "objective.classifier" }
    var formula: String? { "y = Σ x·log (x/Σx) + Σx·log K" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 1, inputs[0].shape.rank == 1, inputs[0].rows == .images else {
            throw ZooError("\(name): needs shares of the classes", code: .mismatch)
        }
        return TensorType([], inputs[0].rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        for n in 0..<t.outputRowCount {
            let uniform = uniform(t, n)
            var sum: Element = 0
            for i in n * size..<(n + 1) * size where t.inputs[0][i] > 0 {
                sum += t.inputs[0][i] * .log(t.inputs[0][i] / uniform)
            }
            t.output[n] = sum
        }
    }

    /// The share of each class if all had the same.
    private func uniform<Element: RealNumber>(_ t: OperationTensors<Element>, _ n: Int) -> Element {
        let size = t.rowSize(0)
        var sum: Element = 0
        for i in n * size..<(n + 1) * size { sum += t.inputs[0][i] }
        return sum / Element(size)
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let size = t.rowSize(0)
        for n in 0..<t.rowCount(0) {
            let uniform = uniform(t, n)
            for i in n * size..<(n + 1) * size where t.inputs[0][i] > 0 {
                gradient[i] += t.outputGradient[n] * .log(t.inputs[0][i] / uniform)
            }
        }
    }
}

/// What logits cost where there is a label, 0 elsewhere: logits and labels `[K]` → `[]`.
struct LabelLoss: CustomOperation {
    enum Measure: Sendable {
        /// −log softmax(x)_label, in nats.
        case crossEntropy
        /// Whether another class has the largest logit. No gradient.
        case error
    }

    let measure: Measure
    /// The images that have one, each of which stands for as many as there are for each of them; nil where all have one.
    let labelled: LabelledImages?

    var name: String { measure == .error ? "label_error" : "label_cross_entropy" }
    var definitionName: String { "objective.classifier" }
    var formula: String? {
        let stands =
            if let labelled {
                labelled.perBatch == 0 ? " times N/\(labelled.count)" : " times B/b, b of B images having one"
            } else {
                ""
            }
        return measure == .error
            ? "y = whether the label's logit is not the largest\(stands), 0 without a label"
            : "y = log Σ exp x1 − x1_label\(stands), 0 without a label"
    }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[0].shape.rank == 1, inputs[1] == inputs[0] else {
            throw ZooError("\(name): needs logits and a label of each image", code: .mismatch)
        }
        return TensorType([], inputs[0].rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (size, factor) = (t.rowSize(0), labelled?.standing(t, labels: t.labelCount(1)) ?? 1)
        for n in 0..<t.outputRowCount {
            guard let label = t.label(n, 1) else { continue }
            let logit = t.inputs[0][n * size + label]
            switch measure {
            case .crossEntropy: t.output[n] = factor * (t.logSumExp(n, 0) - logit)
            case .error:
                var isLargest = true
                for k in 0..<size where k != label { isLargest = isLargest && t.inputs[0][n * size + k] < logit }
                t.output[n] = isLargest ? 0 : factor
            }
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard measure == .crossEntropy, let gradient = t.inputGradients[0] else { return }
        let (size, factor) = (t.rowSize(0), labelled?.standing(t, labels: t.labelCount(1)) ?? 1)
        for n in 0..<t.rowCount(0) {
            guard let label = t.label(n, 1) else { continue }
            let total = t.logSumExp(n, 0)
            for k in 0..<size {
                let share = Element.exp(t.inputs[0][n * size + k] - total)
                gradient[n * size + k] += factor * t.outputGradient[n] * (share - (k == label ? 1 : 0))
            }
        }
    }
}

/// The KL divergence from N(0, I) of each dimension in the mean over classes and images: K rows of μ and log σ² `[D]` for each image, and
/// shares `[K]` → `[D]`, in nats.
package struct ClassMeanKL: CustomOperation {
    package init() {}

    package var name: String { "class_mean_kl" }
    package var definitionName: String { "objective.classifier" }
    package var formula: String? { "y_d = the mean of Σ_k x3_k·½(x1_kd² + e^x2_kd − 1 − x2_kd)" }

    package func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 3, inputs[0] == inputs[1], inputs[0].shape.rank == 1, inputs[2].rows == .images,
            inputs[0].rows == .perImage(inputs[2].shape.count)
        else { throw ZooError("\(name): needs μ and log σ² of each class, and shares", code: .mismatch) }
        return TensorType(inputs[0].shape, .one)
    }

    package func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        for row in 0..<t.rowCount(0) {
            let share = t.inputs[2][row] / Element(t.imageCount)
            for d in 0..<size {
                let (mean, logVariance) = (t.inputs[0][row * size + d], t.inputs[1][row * size + d])
                let divergence: Element = mean * mean + Element.exp(logVariance) - 1 - logVariance
                t.output[d] += share * divergence / 2
            }
        }
    }

    package func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let size = t.rowSize(0)
        for row in 0..<t.rowCount(0) {
            let share = t.inputs[2][row] / Element(t.imageCount)
            for d in 0..<size {
                let (i, dy) = (row * size + d, t.outputGradient[d])
                let (mean, logVariance) = (t.inputs[0][i], t.inputs[1][i])
                let excess: Element = Element.exp(logVariance) - 1
                let divergence: Element = mean * mean + excess - logVariance
                t.inputGradients[0]?[i] += dy * share * mean
                t.inputGradients[1]?[i] += dy * share * excess / 2
                t.inputGradients[2]?[row] += dy * divergence / 2 / Element(t.imageCount)
            }
        }
    }
}

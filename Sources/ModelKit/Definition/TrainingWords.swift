import TensorCore
import TextSupport

extension TrainingSettings {
    /// The settings in words, for instance "Adam, learning rate 0.001; batches of 128; 10 epochs".
    public var words: String {
        var parts: [String]
        switch update.method {
        case .sgd(let momentum, let nesterov, let decay):
            parts = [
                (["SGD"] + (momentum > 0 ? ["momentum \(momentum)\(nesterov ? " (Nesterov)" : "")"] : [])
                    + Self.decay(decay)).joined(separator: ", ")
            ]
        case .adam(let beta1, let beta2, let epsilon, let decay):
            parts = [Self.adaptive("Adam", beta1, beta2, epsilon, decay)]
        case .adamW(let beta1, let beta2, let epsilon, let decay):
            parts = [Self.adaptive("AdamW", beta1, beta2, epsilon, decay)]
        }
        parts[0] += ", learning rate \(learningRate)"
        switch schedule {
        case .constant: break
        case .step(let epochs, let factor): parts[0] += ", times \(factor) every \(epochs) epochs"
        case .cosine(let minimum): parts[0] += ", falling along a cosine to \(minimum)"
        }
        if warmupSteps > 0 { parts[0] += ", warmed up over \(Formatting.grouped(warmupSteps)) steps" }
        if let norm = update.clipNorm { parts.append("gradients clipped to norm \(norm)") }
        if let decay = update.averageDecay { parts.append("weights averaged with decay \(decay)") }
        parts.append("batches of \(batchSize)")
        parts.append("\(Formatting.grouped(epochs)) \(epochs == 1 ? "epoch" : "epochs")")
        if validationCount > 0 { parts.append("\(Formatting.grouped(validationCount)) validation images") }
        if let patience { parts.append("stops after \(patience) epochs without improvement") }
        if precision != .f32 { parts.append("computed in \(precision.rawValue)") }
        if convolution != .fast { parts.append("\(convolution.rawValue) convolutions") }
        return parts.joined(separator: "; ")
    }

    private static func adaptive(
        _ name: String, _ beta1: Float, _ beta2: Float, _ epsilon: Float, _ decay: Float
    ) -> String {
        var words = [name]
        if (beta1, beta2) != (0.9, 0.999) { words.append("β \(beta1) and \(beta2)") }
        if epsilon != 1e-8 { words.append("ε \(epsilon)") }
        return (words + Self.decay(decay)).joined(separator: ", ")
    }

    private static func decay(_ value: Float) -> [String] {
        value > 0 ? ["weight decay \(value)"] : []
    }
}

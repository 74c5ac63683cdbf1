import Checkpoints
import Figures
import ImageFiles
import ModelKit

/// The words around a figure: what it shows, of which model, and what is needed to make it again.
struct FigureWords: Sendable, Equatable {
    var title: String
    /// The model, its objective and its loss.
    var subtitle = ""
    /// Images, seed and checkpoint.
    var footer = ""
}

extension ImageGrid {
    init(images: [Image8], columns: Int, words: FigureWords) {
        self.init(images: images, columns: columns, title: words.title, subtitle: words.subtitle, footer: words.footer)
    }
}

extension TrainedModel {
    /// Words for a figure of this model. `details` say what was chosen: data set, split, seed, settings.
    func words(_ title: String, _ details: [String] = []) -> FigureWords {
        FigureWords(title: title, subtitle: subtitle, footer: (details + [provenance]).joined(separator: "  ·  "))
    }

    var subtitle: String {
        FigureWords.subtitle(definition, loss: history.last.map { ($0.loss.split, $0.loss.means.loss) })
    }

    /// `runs/conv/checkpoints/best.h5, epoch 10, step 4690`.
    private var provenance: String {
        var text = path
        if let progress = checkpoint.progress {
            text += ", epoch \(progress.epoch), step \(Formatting.grouped(progress.step))"
        }
        return text
    }
}

extension FigureWords {
    /// `conv-vae-mnist  ·  bernoulli + 4·KL, β = 4  ·  z = 20  ·  test loss 104.21 nats/image`.
    static func subtitle(_ definition: ModelDefinition, loss: (split: String, nats: Double)?) -> String {
        let objective = definition.objective
        var parts = [definition.name, objective.formula + weight(objective), "z = \(definition.latentSize)"]
        if let loss { parts.append("\(loss.split) loss \(Formatting.decimals(loss.nats, 2)) nats/image") }
        return parts.joined(separator: "  ·  ")
    }

    private static func weight(_ objective: Objective) -> String {
        switch objective.regularizer {
        case .weighted(let weight, warmupSteps: _, freeNats: _): ", β = \(Formatting.significant(Double(weight)))"
        case .capacity(let weight, start: _, end: _, steps: _): ", γ = \(Formatting.significant(Double(weight)))"
        case nil: ""
        }
    }
}

import Checkpoints
import Figures
import ImageFiles
import ModelKit
import Training

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
        FigureWords(title: title, subtitle: subtitle, footer: FigureWords.line(details + provenance))
    }

    var subtitle: String {
        FigureWords.subtitle(
            definition, dataset: dataset, loss: history.last.map { ($0.loss.split, $0.loss.means.loss) })
    }

    /// `runs/conv/checkpoints/best.h5` and `epoch 10, step 4,690`.
    var provenance: [String] {
        guard let progress = checkpoint.progress else { return [path] }
        let epochs = progress.epoch > 0 ? "epoch \(progress.epoch), " : ""
        return [path, "\(epochs)step \(Formatting.grouped(progress.step))"]
    }
}

extension FigureWords {
    /// Parts of a line, which is wrapped between them and not within.
    static func line(_ parts: [String]) -> String {
        parts.map { $0.replacing(" ", with: "\u{A0}") }.joined(separator: "\u{A0}\u{A0}·\u{A0} ")
    }

    /// `conv-vae-mnist on mnist  ·  bernoulli + 4·KL, β = 4  ·  z = 20  ·  test loss 104.21 nats/image`.
    static func subtitle(
        _ definition: ModelDefinition, dataset: String?, loss: (split: String, nats: Double)?
    ) -> String {
        let objective = definition.objective
        let name = definition.name + (dataset.map { " on \($0)" } ?? "")
        var parts = [name, objective.formula + weight(objective), "z = \(definition.latentSize)"]
        if let loss { parts.append("\(loss.split) loss \(Formatting.decimals(loss.nats, 2)) nats/image") }
        return line(parts)
    }

    private static func weight(_ objective: Objective) -> String {
        switch objective.regularizer {
        case .weighted(let weight, warmupSteps: _, freeNats: _): ", β = \(Formatting.significant(Double(weight)))"
        case .capacity(let weight, start: _, end: _, steps: _): ", γ = \(Formatting.significant(Double(weight)))"
        case nil: ""
        }
    }
}

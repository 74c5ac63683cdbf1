import Figures
import ImageFiles
import ModelKit
import ObjectiveLibrary
import TextSupport

/// The words around a figure: what it shows, of which model, and what is needed to make it again.
public struct FigureWords: Sendable, Equatable {
    public var title: String
    /// The model, its objective and its loss.
    public var subtitle: String
    /// Images, seed and checkpoint.
    public var footer: String

    public init(title: String, subtitle: String = "", footer: String = "") {
        self.title = title
        self.subtitle = subtitle
        self.footer = footer
    }
}

extension ImageGrid {
    public init(images: [Image8], columns: Int, words: FigureWords) {
        self.init(images: images, columns: columns, title: words.title, subtitle: words.subtitle, footer: words.footer)
    }
}

extension FigureWords {
    /// Parts of a line, which is wrapped between them and not within.
    public static func line(_ parts: [String]) -> String {
        parts.map { $0.replacing(" ", with: "\u{A0}") }.joined(separator: "\u{A0}\u{A0}·\u{A0} ")
    }

    /// `conv-vae-mnist on mnist  ·  bernoulli + 4·KL, β = 4  ·  z = 20  ·  test loss 104.21 nats/image`.
    public static func subtitle(
        _ definition: ModelDefinition, dataset: String?, loss: (split: String, nats: Double)?
    ) -> String {
        let objective = definition.objective
        let name = definition.name + (dataset.map { " on \($0)" } ?? "")
        var parts = [
            name, objective.formula + weight(objective),
            definition.codeCount.map { "z = \(definition.latentSize) of \($0) codes" }
                ?? "z = \(definition.latentSize)",
        ]
        if let loss { parts.append("\(loss.split) loss \(Formatting.decimals(loss.nats, 2)) nats/image") }
        return line(parts)
    }

    private static func weight(_ objective: Objective) -> String {
        objective.regularizers.compactMap(\.letter)
            .map { ", \($0.symbol) = \(Formatting.significant(Double($0.value)))" }.joined()
    }
}

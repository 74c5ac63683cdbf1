import ModelKit
import TensorCore

/// A field of the definition and the values to try.
public struct VariedField: Sendable, Equatable {
    /// The name of the only model whose field is varied; nil for all models of the sweep.
    public let model: String?
    /// For instance `objective.kl.weight`.
    public let path: String
    /// YAML, each what an override takes.
    public let values: [String]

    public init(model: String? = nil, path: String, values: [String]) {
        self.model = model
        self.path = path
        self.values = values
    }
}

/// A model, one value for each field of it that is varied, and a seed: what makes a run of a sweep different from the others.
public struct Combination: Sendable {
    /// The model's name; nil where the sweep has one model only.
    public var model: String?
    public var fields: [(path: String, value: String)]
    /// nil where the sweep has one seed only.
    public var seed: UInt64?

    /// Every combination, model by model, the last field varying fastest, seeds within.
    ///
    /// - Parameter models: their names; none or one where only fields and seeds tell the runs apart.
    public static func all(of fields: [VariedField], models: [String] = [], seeds: [UInt64]) -> [Combination] {
        guard models.count < 2 else {
            return models.flatMap { model in
                all(of: fields.filter { $0.model == nil || $0.model == model }, seeds: seeds).map {
                    Combination(model: model, fields: $0.fields, seed: $0.seed)
                }
            }
        }
        var combinations = [Combination(fields: [])]
        for field in fields {
            combinations = combinations.flatMap { combination in
                field.values.map {
                    Combination(fields: combination.fields + [(path: field.path, value: $0)])
                }
            }
        }
        guard !seeds.isEmpty else { return combinations }
        return combinations.flatMap { combination in
            seeds.map { Combination(fields: combination.fields, seed: $0) }
        }
    }

    /// The name of the run's folder: `objective.kl.weight=5,seed=1`, behind the model's name where there are several.
    public var name: String {
        let parts =
            (model.map { [$0] } ?? []) + fields.map { "\($0.path)=\($0.value)" } + (seed.map { ["seed=\($0)"] } ?? [])
        var name = ""
        for character in parts.joined(separator: ",") {
            let isPlain =
                character.isASCII && (character.isLetter || character.isNumber || "._=,+-".contains(character))
            if isPlain || name.last != "-" { name.append(isPlain ? character : "-") }
        }
        while name.last == "-" { name.removeLast() }
        return name.replacing("=-", with: "=")
    }

    /// What tables and figures call it: `β = 5, seed 1`.
    public var label: String { [setting, seed.map { "seed \($0)" }].compactMap(\.self).joined(separator: ", ") }

    /// Model and values without the seed: `β = 5`; nil where nothing but the seed varies.
    public var setting: String? {
        let parts = (model.map { [$0] } ?? []) + fields.map { Self.words($0.path, $0.value) }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// A value with the field's usual sign where it has one, else with the end of its path; likelihoods say what they are.
    private static func words(_ path: String, _ value: String) -> String {
        switch path {
        case "objective.kl.weight": "β = \(value)"
        case "latent.size": "z = \(value)"
        case "objective.reconstruction": value
        default: "\(path.split(separator: ".").last ?? path[...]) = \(value)"
        }
    }

    /// What it changes in a definition.
    public var overrides: [DefinitionOverride] {
        fields.map { DefinitionOverride(path: $0.path.split(separator: ".").map(String.init), value: $0.value) }
    }
}

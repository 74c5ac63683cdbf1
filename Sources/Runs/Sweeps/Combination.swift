import ModelKit
import TensorCore

/// A field of the definition and the values to try.
public struct VariedField: Sendable, Equatable {
    /// For instance `objective.kl.weight`.
    public let path: String
    /// YAML, each what an override takes.
    public let values: [String]

    public init(path: String, values: [String]) {
        self.path = path
        self.values = values
    }
}

/// One value for each varied field, and a seed: what makes a run of a sweep different from the others.
public struct Combination: Sendable {
    public var fields: [(path: String, value: String)]
    /// nil where the sweep has one seed only.
    public var seed: UInt64?

    /// Every combination, the last field varying fastest, seeds within.
    public static func all(of fields: [VariedField], seeds: [UInt64]) -> [Combination] {
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

    /// The name of the run's folder: `objective.kl.weight=5,seed=1`.
    public var name: String {
        let parts = fields.map { "\($0.path)=\($0.value)" } + (seed.map { ["seed=\($0)"] } ?? [])
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

    /// The values without the seed: `β = 5`; nil where nothing but the seed varies.
    public var setting: String? {
        fields.isEmpty ? nil : fields.map { Self.words($0.path, $0.value) }.joined(separator: ", ")
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

import ModelKit
import TensorCore

/// One `--vary PATH=VALUE,VALUE…`: a field of the definition and the values to try.
struct VariedField {
    /// For instance `objective.kl.weight`.
    let path: String
    /// YAML, each what `--set` takes.
    let values: [String]

    init(path: String, values: [String]) {
        self.path = path
        self.values = values
    }

    /// - Throws: `ZooError` (wrong usage) without a path, without values, or where a value is there twice.
    init(argument: String) throws {
        let example = "for instance --vary objective.kl.weight=1,5,10,40"
        guard let separator = argument.firstIndex(of: "="), separator != argument.startIndex else {
            throw ZooError("--vary \(argument): expected PATH=VALUE,VALUE…", advice: example, kind: .usage)
        }
        path = String(argument[..<separator])
        values = Self.split(argument[argument.index(after: separator)...])
        guard !values.contains("") else {
            throw ZooError(
                values.count == 1 ? "--vary \(argument): no values" : "--vary \(argument): a value is empty",
                advice: example, kind: .usage)
        }
        if let twice = values.enumerated().first(where: { values[..<$0.offset].contains($0.element) }) {
            throw ZooError("--vary \(argument): \(twice.element) is there twice", kind: .usage)
        }
        _ = try DefinitionOverride(argument: argument)
    }

    /// The parts between commas, without those in brackets or quotes: `a,{b: 1, c: 2}` has two.
    private static func split(_ text: Substring) -> [String] {
        var parts = [""]
        var depth = 0
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "'" || character == "\"" {
                quote = character
            } else if "[{".contains(character) {
                depth += 1
            } else if "]}".contains(character) {
                depth -= 1
            } else if character == ",", depth == 0 {
                parts.append("")
                continue
            }
            parts[parts.count - 1].append(character)
        }
        return parts.map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
    }
}

/// One value for each varied field, and a seed: what makes a run of a sweep different from the others.
struct Combination {
    var fields: [(path: String, value: String)]
    /// nil where the sweep has one seed only, which then is among the training options.
    var seed: UInt64?

    /// Every combination, the last field varying fastest, seeds within.
    static func all(of fields: [VariedField], seeds: [UInt64]) -> [Combination] {
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
    var name: String {
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
    var label: String { [setting, seed.map { "seed \($0)" }].compactMap(\.self).joined(separator: ", ") }

    /// The values without the seed: `β = 5`; nil where nothing but the seed varies.
    var setting: String? {
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

    /// Options of `zoo train`.
    var arguments: [String] {
        fields.flatMap { ["--set", "\($0.path)=\($0.value)"] } + (seed.map { ["--seed", "\($0)"] } ?? [])
    }
}

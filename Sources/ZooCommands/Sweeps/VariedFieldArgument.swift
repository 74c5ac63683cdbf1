import ModelKit
import Runs
import TensorCore

extension VariedField {
    /// Reads `PATH=VALUE,VALUE…` and `MODEL:PATH=VALUE,VALUE…`.
    ///
    /// - Throws: `ZooError` (wrong usage) without a path, without values, or where a value is there twice.
    init(argument: String) throws {
        let example = "for instance --vary objective.kl.weight=1,5,10,40"
        guard let separator = argument.firstIndex(of: "="), separator != argument.startIndex else {
            throw ZooError("--vary \(argument): expected PATH=VALUE,VALUE…", advice: example, kind: .usage)
        }
        let values = Self.split(argument[argument.index(after: separator)...])
        guard !values.contains("") else {
            throw ZooError(
                values.count == 1 ? "--vary \(argument): no values" : "--vary \(argument): a value is empty",
                advice: example, kind: .usage)
        }
        if let twice = values.enumerated().first(where: { values[..<$0.offset].contains($0.element) }) {
            throw ZooError("--vary \(argument): \(twice.element) is there twice", kind: .usage)
        }
        let path = argument[..<separator]
        let colon = path.firstIndex(of: ":")
        let field = colon.map { path[path.index(after: $0)...] } ?? path
        _ = try DefinitionOverride(argument: "\(field)\(argument[separator...])")
        self.init(model: colon.map { String(path[..<$0]) }, path: String(field), values: values)
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

extension Combination {
    /// Options of `zoo train`.
    var arguments: [String] {
        fields.flatMap { ["--set", "\($0.path)=\($0.value)"] } + (seed.map { ["--seed", "\($0)"] } ?? [])
    }
}

import TensorCore
import TextSupport

extension ModelDefinition {
    /// The text of the same model under a name of its own, with a summary that says where it comes from; comments stay where
    /// they can.
    ///
    /// - Parameters:
    ///   - name: lower-case letters, digits, hyphens and underscores, at most 64.
    ///   - registry: what the definition may name, and the models whose names are taken.
    /// - Throws: `ZooError` (wrong usage) for a name that is none or is taken.
    public func copy(named name: String, registry: Registry) throws -> String {
        guard Self.isName(name) else {
            throw ZooError(
                "a model cannot be called “\(name)”",
                advice: "a name has lower-case letters, digits, hyphens and underscores, at most 64", kind: .usage)
        }
        guard !registry.models.contains(where: { $0.name == name }) else {
            throw ZooError(
                "there is a model called \(name) already", advice: "choose another name for the new one", kind: .usage,
                code: .alreadyExists)
        }
        let summary = JSONValue.string("From \(self.name): \(self.summary)").text()
        let text = Self.replacing(["name": name, "summary": summary], in: text)
        if let copy = try? ModelDefinition(text: text, source: name, registry: registry), copy.name == name,
            copy.summary != self.summary
        {
            return text
        }
        // Not written one field a line: take the tree, without comments.
        let overrides = [
            DefinitionOverride(path: ["name"], value: name), DefinitionOverride(path: ["summary"], value: summary),
        ]
        return try ModelDefinition(text: self.text, source: name, overrides: overrides, registry: registry).text
    }

    /// Whether a model can have a name: 1 to 64 lower-case letters, digits, hyphens and underscores.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "0"..."9", "-", "_": true
                default: false
                }
            }
    }

    /// Replaces fields of the outermost level, which may go over several lines, and leaves the other lines alone.
    private static func replacing(_ fields: [String: String], in text: String) -> String {
        var lines: [Substring] = []
        var isReplaced = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if isReplaced, line.hasPrefix(" ") || line.hasPrefix("\t") { continue }
            isReplaced = false
            if let colon = line.firstIndex(of: ":"), let value = fields[String(line[..<colon])] {
                isReplaced = true
                lines.append("\(line[..<colon]): \(value)")
            } else {
                lines.append(line)
            }
        }
        return lines.joined(separator: "\n")
    }
}

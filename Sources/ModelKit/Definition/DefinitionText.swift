import TensorCore
import Yams

/// Turns the text of a definition into a tree, safely: files may come from strangers.
enum DefinitionText {
    static let byteLimit = 256 * 1024
    static let depthLimit = 64

    /// - Throws: `DefinitionError`.
    static func parse(_ text: String, source: String) throws -> Node {
        func problem(_ message: String, line: Int? = nil, column: Int? = nil) -> DefinitionError {
            DefinitionError(problems: [
                DefinitionProblem(source: source, line: line, column: column, path: "", message: message)
            ])
        }
        guard text.utf8.count <= byteLimit else {
            throw problem("\(text.utf8.count) bytes are too many for a definition; at most \(byteLimit) are read")
        }
        if let line = lineOfExcessiveNesting(text) {
            throw problem("nested more than \(depthLimit) levels deep", line: line)
        }
        do {
            guard let node = try Yams.compose(yaml: text) else { throw problem("the file is empty") }
            return node
        } catch let error as YamlError {
            switch error {
            case .scanner(_, let message, let mark, _), .parser(_, let message, let mark, _),
                .composer(_, let message, let mark, _):
                throw problem("not valid YAML: \(message)", line: mark.line, column: mark.column)
            case .duplicatedKeysInMapping(let duplicates, _):
                throw problem("the same key twice: \(duplicates.sorted().joined(separator: ", "))")
            case .reader(let message, _, _, _):
                throw problem("not valid YAML: \(message)")
            default:
                throw problem("not valid YAML")
            }
        }
    }

    /// The parser recurses, so depth is limited before it runs: by brackets, and by `- - -` on one line.
    private static func lineOfExcessiveNesting(_ text: String) -> Int? {
        var depth = 0
        var line = 1
        var markers = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"):
                line += 1
                markers = 0
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
            case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"): markers += 1
            default: break
            }
            if depth > depthLimit || markers > 4 * depthLimit { return line }
        }
        return nil
    }
}

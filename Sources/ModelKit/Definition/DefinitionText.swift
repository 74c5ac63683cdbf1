import TensorCore
import Yams

/// Turns the text of a definition into a tree, safely: files may come from strangers.
enum DefinitionText {
    static let byteLimit = 256 * 1024
    static let depthLimit = 64
    /// Columns before the first word of a line.
    static let indentationLimit = 128
    /// Brackets in comments and quotes can hide how deep others go, so their number is limited, too.
    static let bracketLimit = 3000
    /// Bytes that a text may stand for when its aliases are replaced.
    static let expansionLimit = 1e7

    /// - Throws: `DefinitionError`.
    static func parse(_ text: String, source: String) throws -> Node {
        func problem(_ message: String, line: Int? = nil, column: Int? = nil) -> DefinitionError {
            DefinitionError(problems: [
                DefinitionProblem(source: source, line: line, column: column, path: "", message: message.printable())
            ])
        }
        guard text.utf8.count <= byteLimit else {
            throw problem("\(text.utf8.count) bytes are too many for a definition; at most \(byteLimit) are read")
        }
        if let excess = excess(in: text) { throw problem(excess.message, line: excess.line) }
        do {
            guard let node = try Yams.compose(yaml: text, .basic) else { throw problem("the file is empty") }
            return node
        } catch let error as YamlError {
            switch error {
            case .scanner(_, let message, let mark, _), .parser(_, let message, let mark, _),
                .composer(_, let message, let mark, _):
                throw problem("not valid YAML: \(message)", line: mark.line, column: mark.column)
            case .duplicatedKeysInMapping(let duplicates, let context):
                throw problem(
                    "the same key twice: \(duplicates.sorted().joined(separator: ", "))", line: context.mark.line)
            case .reader(let message, _, _, _):
                throw problem("not valid YAML: \(message)")
            default:
                throw problem("not valid YAML")
            }
        }
    }

    /// What the field `name` says; nil if there is none.
    ///
    /// - Throws: `DefinitionError` for what is not YAML.
    static func name(in text: String, source: String) throws -> String? {
        guard case .mapping(let fields) = try parse(text, source: source),
            case .scalar(let name)? = fields[Node("name")],
            !name.string.isEmpty
        else { return nil }
        return name.string
    }

    /// What makes a text too costly to parse, and where: the parser recurses, and aliases multiply.
    ///
    /// This looks at bytes only, so brackets in comments count as well; the limits are far above what definitions need.
    private static func excess(in text: String) -> (message: String, line: Int?)? {
        var line = 1
        var depth = 0
        var brackets = 0
        var indentation = 0
        var isIndentation = true
        var markers = 0
        var anchors = 0
        var aliases = 0
        var previous: UInt8 = 0
        for byte in text.utf8 {
            switch previous {
            case UInt8(ascii: "&") where byte > UInt8(ascii: " "): anchors += 1
            case UInt8(ascii: "*") where byte > UInt8(ascii: " "): aliases += 1
            case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"):
                // What is not ASCII may be a line break.
                if byte <= UInt8(ascii: " ") || byte >= 0x80 { markers += 1 }
            default: break
            }
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                if byte == UInt8(ascii: "\n") { line += 1 }
                (markers, indentation, isIndentation) = (0, 0, true)
            case UInt8(ascii: " ") where isIndentation: indentation += 1
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                brackets += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
            default: break
            }
            if byte > UInt8(ascii: " ") { isIndentation = false }
            if depth > depthLimit || markers > depthLimit || indentation > indentationLimit {
                return ("nested more than \(depthLimit) levels deep", line)
            }
            previous = byte
        }
        if brackets > bracketLimit {
            return ("\(brackets) brackets are too many; at most \(bracketLimit) are read", nil)
        }
        // With r aliases to a anchors a text of n bytes stands for at most n·(1 + r/(a + 1))^(a + 1).
        var size = Double(text.utf8.count)
        for _ in 0...anchors where size <= expansionLimit { size *= 1 + Double(aliases) / Double(anchors + 1) }
        if anchors > 0, size > expansionLimit {
            return ("\(aliases) aliases to \(anchors) anchors could stand for too long a text; write it out", nil)
        }
        return nil
    }
}

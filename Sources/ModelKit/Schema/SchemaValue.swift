/// A JSON value that prints the same way every time: keys sorted, two spaces of indentation, short lists on one line.
indirect enum SchemaValue: Equatable, ExpressibleByStringLiteral, ExpressibleByBooleanLiteral {
    case string(String)
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case null
    case list([SchemaValue])
    case object([String: SchemaValue])

    init(stringLiteral value: String) { self = .string(value) }
    init(booleanLiteral value: Bool) { self = .boolean(value) }

    static func strings(_ values: [String]) -> SchemaValue { .list(values.map { .string($0) }) }

    /// The text, indented by `depth` levels but for its first line.
    func text(depth: Int = 0) -> String {
        switch self {
        case .string(let value): return Self.quoted(value)
        case .integer(let value): return String(value)
        case .number(let value):
            return value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
        case .boolean(let value): return value ? "true" : "false"
        case .null: return "null"
        case .list(let values):
            let items = values.map { $0.text(depth: depth + 1) }
            let line = "[" + items.joined(separator: ", ") + "]"
            if line.count <= 100, !line.contains("\n") { return line }
            return Self.block("[", items, "]", depth)
        case .object(let fields):
            let items = fields.sorted { $0.key < $1.key }.map {
                Self.quoted($0.key) + ": " + $0.value.text(depth: depth + 1)
            }
            let line = "{" + items.joined(separator: ", ") + "}"
            if items.count <= 1, line.count <= 100, !line.contains("\n") { return line }
            return Self.block("{", items, "}", depth)
        }
    }

    private static func block(_ open: String, _ items: [String], _ close: String, _ depth: Int) -> String {
        let indentation = String(repeating: "  ", count: depth)
        let lines = items.map { indentation + "  " + $0 }.joined(separator: ",\n")
        return open + "\n" + lines + "\n" + indentation + close
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

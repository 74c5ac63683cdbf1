import Glibc

/// A JSON value to be written. Objects keep the order of their fields.
enum JSONValue: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByNilLiteral
{
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([(String, JSONValue)])

    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(floatLiteral value: Double) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .boolean(value) }
    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    init(nilLiteral: ()) { self = .null }

    init(_ value: String?) { self = value.map { .string($0) } ?? .null }
    init(_ value: Int?) { self = value.map { .integer($0) } ?? .null }
    init(_ value: Double?) { self = value.map { .number($0) } ?? .null }

    /// The text, on one line or indented by two blanks. Numbers that are not finite become null, as JSON has none.
    func text(indented: Bool = false) -> String {
        var text = ""
        append(to: &text, indentation: indented ? 0 : nil)
        return text
    }

    private func append(to text: inout String, indentation: Int?) {
        switch self {
        case .null: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): text += value.isFinite ? Self.shortest(value) : "null"
        case .string(let value): Self.appendQuoted(value, to: &text)
        case .array(let values):
            Self.appendList(
                "[", "]", values.map { value in { value.append(to: &$0, indentation: $1) } }, &text, indentation)
        case .object(let fields):
            let entries = fields.map { name, value in
                { (text: inout String, indentation: Int?) in
                    Self.appendQuoted(name, to: &text)
                    text += indentation == nil ? ":" : ": "
                    value.append(to: &text, indentation: indentation)
                }
            }
            Self.appendList("{", "}", entries, &text, indentation)
        }
    }

    private static func appendList(
        _ open: String, _ close: String, _ entries: [(inout String, Int?) -> Void], _ text: inout String,
        _ indentation: Int?
    ) {
        text += open
        for (index, entry) in entries.enumerated() {
            if index > 0 { text += "," }
            if let indentation { text += "\n" + String(repeating: "  ", count: indentation + 1) }
            entry(&text, indentation.map { $0 + 1 })
        }
        if let indentation, !entries.isEmpty { text += "\n" + String(repeating: "  ", count: indentation) }
        text += close
    }

    /// The fewest digits that read back as the same number.
    private static func shortest(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
    }

    private static func appendQuoted(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case let control where control.isUnprintable:
                let digits = String(control.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

import Glibc
import TensorCore

/// A JSON value to be written. Objects keep the order of their fields.
public enum JSONValue: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByNilLiteral
{
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// An array whose elements are made when they are written: many, or large ones.
    case list(count: Int, element: @Sendable (Int) -> JSONValue)
    case object([(String, JSONValue)])

    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(nilLiteral: ()) { self = .null }

    public init(_ value: String?) { self = value.map { .string($0) } ?? .null }
    public init(_ value: Int?) { self = value.map { .integer($0) } ?? .null }
    public init(_ value: Double?) { self = value.map { .number($0) } ?? .null }

    /// The text, on one line or indented by two blanks. Numbers that are not finite become null, as JSON has none.
    public func text(indented: Bool = false) -> String {
        var text = ""
        write(indented: indented) { text += $0 }
        return text
    }

    /// Gives the text to `sink`, piece by piece.
    public func write(indented: Bool = false, to sink: (String) -> Void) {
        withoutActuallyEscaping(sink) { sink in
            var writer = Writer(sink: sink)
            append(to: &writer, indentation: indented ? 0 : nil)
            sink(writer.text)
        }
    }

    /// Text on its way, handed on before it becomes long.
    private struct Writer {
        var text = ""
        let sink: (String) -> Void

        mutating func handOn() {
            guard text.utf8.count >= 1 << 16 else { return }
            sink(text)
            text.removeAll(keepingCapacity: true)
        }
    }

    private func append(to writer: inout Writer, indentation: Int?) {
        switch self {
        case .null: writer.text += "null"
        case .boolean(let value): writer.text += value ? "true" : "false"
        case .integer(let value): writer.text += String(value)
        case .number(let value): writer.text += value.isFinite ? Self.shortest(value) : "null"
        case .string(let value): Self.appendQuoted(value, to: &writer.text)
        case .array(let values):
            Self.appendList("[", "]", values.count, &writer, indentation) { index, writer, indentation in
                values[index].append(to: &writer, indentation: indentation)
            }
        case .list(let count, let element):
            Self.appendList("[", "]", count, &writer, indentation) { index, writer, indentation in
                element(index).append(to: &writer, indentation: indentation)
            }
        case .object(let fields):
            Self.appendList("{", "}", fields.count, &writer, indentation) { index, writer, indentation in
                Self.appendQuoted(fields[index].0, to: &writer.text)
                writer.text += indentation == nil ? ":" : ": "
                fields[index].1.append(to: &writer, indentation: indentation)
            }
        }
    }

    private static func appendList(
        _ open: String, _ close: String, _ count: Int, _ writer: inout Writer, _ indentation: Int?,
        entry: (_ index: Int, inout Writer, _ indentation: Int?) -> Void
    ) {
        writer.text += open
        for index in 0..<count {
            if index > 0 { writer.text += "," }
            if let indentation { writer.text += "\n" + String(repeating: "  ", count: indentation + 1) }
            entry(index, &writer, indentation.map { $0 + 1 })
            writer.handOn()
        }
        if let indentation, count > 0 { writer.text += "\n" + String(repeating: "  ", count: indentation) }
        writer.text += close
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

extension JSONValue {
    /// A vector.
    public init(_ values: [Float]) { self = .array(values.map { .number(Double($0)) }) }
    /// A vector.
    public init(_ values: [Double]) { self = .array(values.map { .number($0) }) }
    /// Rows of numbers.
    public init(_ rows: [[Float]]) { self = .array(rows.map { JSONValue($0) }) }
}

/// What has a form in JSON.
public protocol JSONConvertible {
    var json: JSONValue { get }
}

/// An object as a literal: `["model": name, "epoch": epoch, "losses": losses]`; what is nil becomes null.
extension JSONValue: JSONConvertible, ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, any JSONConvertible)...) {
        self = .object(elements.map { ($0, $1.json) })
    }

    public var json: JSONValue { self }

    /// An object with the fields of two; other values are none.
    public static func + (first: JSONValue, second: JSONValue) -> JSONValue {
        .object(first.fields + second.fields)
    }

    private var fields: [(String, JSONValue)] {
        guard case .object(let fields) = self else { return [] }
        return fields
    }
}

extension String: JSONConvertible {
    public var json: JSONValue { .string(self) }
}

extension Bool: JSONConvertible {
    public var json: JSONValue { .boolean(self) }
}

extension Int: JSONConvertible {
    public var json: JSONValue { .integer(self) }
}

extension Double: JSONConvertible {
    public var json: JSONValue { .number(self) }
}

extension Float: JSONConvertible {
    public var json: JSONValue { .number(Double(self)) }
}

extension Optional: JSONConvertible where Wrapped: JSONConvertible {
    public var json: JSONValue { self?.json ?? .null }
}

extension Array: JSONConvertible where Element: JSONConvertible {
    public var json: JSONValue { .array(map(\.json)) }
}

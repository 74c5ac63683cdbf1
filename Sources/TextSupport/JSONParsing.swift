import Foundation
import TensorCore

extension JSONValue: Decodable {
    /// Reads one JSON text. Whole numbers that fit become integers; the order of an object's fields is lost.
    ///
    /// - Throws: `ZooError` saying what is wrong with the text.
    public init(parsing text: String) throws {
        do {
            self = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        } catch {
            throw ZooError("it is not JSON: \(Self.reason(error))", code: .damaged)
        }
    }

    private static func reason(_ error: any Error) -> String {
        let context: DecodingError.Context
        switch error as? DecodingError {
        case .dataCorrupted(let found): context = found
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found):
            // Every text of JSON has a type that is read, but for numbers that no number here can be.
            let path = found.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
            return "the value at \(path.isEmpty ? "its beginning" : path) is out of range"
        default: return "it cannot be read"
        }
        let cause = context.underlyingError.map { ($0 as NSError).userInfo[NSDebugDescriptionErrorKey] ?? "\($0)" }
        return cause.map { "\($0)" } ?? context.debugDescription
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let values = try? container.decode([JSONValue].self) {
            self = .array(values)
        } else {
            let fields = try container.decode([String: JSONValue].self)
            self = .object(fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        }
    }

    /// The field of an object; nil for anything else.
    public subscript(_ name: String) -> JSONValue? {
        guard case .object(let fields) = self else { return nil }
        return fields.first { $0.0 == name }?.1
    }

    public var stringValue: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// A whole number from 0 to the largest below which JSON keeps all.
    public var countValue: Int? {
        guard case .integer(let value) = self, (0...1 << 53).contains(value) else { return nil }
        return value
    }

    /// A number of either kind that something can have been measured as; NaN for null, as numbers that are not finite are
    /// written.
    public var numberValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): abs(value) <= 1e100 ? value : nil
        case .null: .nan
        default: nil
        }
    }

    public var booleanValue: Bool? {
        guard case .boolean(let value) = self else { return nil }
        return value
    }

    public var arrayValue: [JSONValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }
}

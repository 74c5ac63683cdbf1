import FileSupport
import TensorCore

/// Reads the fields of one message of Protocol Buffers, one after another. Nothing is copied: fields are slices of the
/// file.
struct ProtobufReader {
    /// A field's value as it stands on the wire.
    enum Value {
        case varint(UInt64)
        case fixed32(UInt32)
        case fixed64(UInt64)
        case bytes(ArraySlice<UInt8>)
    }

    private var rest: ArraySlice<UInt8>
    private let subject: String

    /// A reader of the message in `bytes`, which messages call `subject`.
    init(_ bytes: ArraySlice<UInt8>, subject: String) {
        rest = bytes
        self.subject = subject
    }

    /// The next field and its number; nil at the end.
    ///
    /// - Throws: `ZooError` when it is cut short, or of a kind that is not in use.
    mutating func next() throws -> (field: UInt64, value: Value)? {
        guard !rest.isEmpty else { return nil }
        let key = try varint()
        let field = key >> 3
        guard (1...UInt64(1 << 29 - 1)).contains(field) else { throw damaged("field number \(field)") }
        switch key & 7 {
        case 0: return (field, .varint(try varint()))
        case 1: return (field, .fixed64(try fixed(8)))
        case 2:
            let count = try varint()
            guard count <= UInt64(rest.count), let length = Int(exactly: count) else {
                throw damaged("field \(field) claims \(count) bytes where \(rest.count) are left")
            }
            defer { rest = rest.dropFirst(length) }
            return (field, .bytes(rest.prefix(length)))
        case 5: return (field, .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
        case let kind: throw damaged("field \(field) has wire type \(kind)")
        }
    }

    /// An integer of 1 to 10 bytes, 7 bits each.
    private mutating func varint() throws -> UInt64 {
        var value: UInt64 = 0
        for place in 0..<10 {
            guard let byte = rest.popFirst() else { throw damaged("an integer is cut short") }
            guard place < 9 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << UInt64(7 * place)
            if byte < 0x80 { return value }
        }
        throw damaged("an integer has more than 64 bits")
    }

    private mutating func fixed(_ count: Int) throws -> UInt64 {
        guard rest.count >= count else { throw damaged("a number is cut short") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    func damaged(_ what: String) -> ZooError {
        ZooError("damaged ONNX data at byte \(rest.startIndex), in \(subject): \(what)", code: .damaged)
    }
}

extension ProtobufReader {
    /// The bytes of a field that must hold some.
    func bytes(_ value: Value, _ what: String) throws -> ArraySlice<UInt8> {
        guard case .bytes(let bytes) = value else { throw damaged("\(what) is a number") }
        return bytes
    }

    func text(_ value: Value, _ what: String) throws -> String {
        guard let text = String(validating: try bytes(value, what), as: UTF8.self) else {
            throw damaged("\(what) is not valid UTF-8")
        }
        return text
    }

    func integer(_ value: Value, _ what: String) throws -> Int {
        guard case .varint(let integer) = value else { throw damaged("\(what) is no integer") }
        return Int(truncatingIfNeeded: integer)
    }

    /// Integers of a repeated field, packed or one by one.
    func integers(_ value: Value, _ what: String, limit: Int) throws -> [Int] {
        var integers: [Int] = []
        try forEachInteger(value, what) { integer in
            guard integers.count < limit else { throw damaged("\(what) has more than \(limit) numbers") }
            integers.append(Int(truncatingIfNeeded: integer))
        }
        return integers
    }

    /// Calls `body` for the integers of a repeated field, packed or one by one.
    func forEachInteger(_ value: Value, _ what: String, _ body: (UInt64) throws -> Void) throws {
        guard case .bytes(let packed) = value else {
            return try body(UInt64(bitPattern: Int64(try integer(value, what))))
        }
        var reader = ProtobufReader(packed, subject: subject)
        while !reader.rest.isEmpty { try body(try reader.varint()) }
    }
}

extension ProtobufReader {
    /// A message of two texts, a name and what it stands for.
    ///
    /// - Throws: `ZooError` when it is damaged.
    static func texts(_ bytes: ArraySlice<UInt8>, subject: String) throws -> (String, String) {
        var reader = ProtobufReader(bytes, subject: subject)
        var texts = ("", "")
        while let (field, value) = try reader.next() {
            if field == 1 { texts.0 = try reader.text(value, "the name of \(subject)") }
            if field == 2 { texts.1 = try reader.text(value, subject) }
        }
        return texts
    }
}

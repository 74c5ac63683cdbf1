import TensorCore

/// Reads JSON (RFC 8259) piece by piece, for a reader that knows what has to come. Own code, for Foundation builds the whole of a
/// stranger's 100 MB header before anything can be refused, and takes the last of two equal names, which safetensors forbids.
struct JSONScanner {
    /// Most names in an object.
    private static let nameLimit = 65_536
    private let text: ArraySlice<UInt8>
    private var position: Int
    private let subject: String

    /// A scanner of `text`, which messages call `subject`.
    init(_ text: ArraySlice<UInt8>, subject: String) {
        self.text = text
        self.subject = subject
        position = text.startIndex
    }

    /// Reads an object, calling `body` with each name, which must occur once; `body` reads the value.
    mutating func object(_ what: String, _ body: (inout JSONScanner, String) throws -> Void) throws {
        try expect("{", what)
        if accept("}") { return }
        var names: Set<String> = []
        repeat {
            let name = try string("a name in \(what)")
            guard names.count < Self.nameLimit else { throw failure("\(what) has more than \(Self.nameLimit) names") }
            guard names.insert(name).inserted else { throw failure("\(what) names \"\(name)\" twice") }
            try expect(":", what)
            try body(&self, name)
        } while accept(",")
        try expect("}", what)
    }

    /// Reads an array of at most `limit` whole numbers, 0 or more.
    mutating func integers(_ what: String, limit: Int) throws -> [Int] {
        try expect("[", what)
        var integers: [Int] = []
        if accept("]") { return integers }
        repeat {
            guard integers.count < limit else { throw failure("\(what) has more than \(limit) numbers") }
            integers.append(try integer(what))
        } while accept(",")
        try expect("]", what)
        return integers
    }

    /// Reads a string.
    mutating func string(_ what: String) throws -> String {
        try expect("\"", what)
        var bytes: [UInt8] = []
        while position < text.endIndex {
            let byte = text[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: bytes, as: UTF8.self) else {
                    throw failure("\(what) is not valid UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): bytes += try escaped(what)
            case ..<0x20: throw failure("\(what) holds a control character")
            default: bytes.append(byte)
            }
        }
        throw failure("\(what) does not end")
    }

    /// Passes over any value, nested at most `depth` deep.
    mutating func skip(_ what: String, depth: Int) throws {
        guard depth > 0 else { throw failure("\(what) is nested too deep") }
        skipSpace()
        guard position < text.endIndex else { throw failure("\(what) is missing") }
        switch text[position] {
        case UInt8(ascii: "{"): try object(what) { scanner, _ in try scanner.skip(what, depth: depth - 1) }
        case UInt8(ascii: "["):
            try expect("[", what)
            if accept("]") { return }
            repeat { try skip(what, depth: depth - 1) } while accept(",")
            try expect("]", what)
        case UInt8(ascii: "\""): _ = try string(what)
        default:
            let start = position
            while position < text.endIndex, Self.isPlain(text[position]) { position += 1 }
            let word = String(decoding: text[start..<position], as: UTF8.self)
            guard ["true", "false", "null"].contains(word) || Self.isNumber(word) else {
                throw failure("\(what) is \"\(word.prefix(24))\", which is no value")
            }
        }
    }

    /// Checks that only space is left.
    mutating func finish() throws {
        while position < text.endIndex, text[position] == UInt8(ascii: " ") { position += 1 }
        guard position == text.endIndex else { throw failure("something follows its end") }
    }

    /// An error at this place.
    func failure(_ what: String) -> ZooError {
        ZooError("\(subject) is damaged at byte \(position - text.startIndex): \(what)", code: .damaged)
    }

    private mutating func integer(_ what: String) throws -> Int {
        skipSpace()
        let start = position
        while position < text.endIndex, Self.isPlain(text[position]) { position += 1 }
        let digits = text[start..<position]
        let isCanonical = digits.allSatisfy { (48...57).contains($0) } && (digits.count == 1 || digits.first != 48)
        guard isCanonical, let value = Int(String(decoding: digits, as: UTF8.self)) else {
            throw failure("\(what) holds \"\(String(decoding: digits.prefix(24), as: UTF8.self))\" instead of a size")
        }
        return value
    }

    /// The bytes that an escape stands for; the backslash has been read.
    private mutating func escaped(_ what: String) throws -> [UInt8] {
        guard position < text.endIndex else { throw failure("\(what) does not end") }
        let letter = text[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "u"):
            var units = [try hexadecimal(what)]
            if (0xD800..<0xDC00).contains(units[0]) {
                try expectExactly("\\u", what)
                units.append(try hexadecimal(what))
            }
            guard let string = String(validating: units, as: UTF16.self) else {
                throw failure("\(what) holds half of a surrogate pair")
            }
            return Array(string.utf8)
        default: throw failure("\(what) holds an unknown escape")
        }
    }

    private mutating func hexadecimal(_ what: String) throws -> UInt16 {
        let digits = text[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Self.isHexadecimal($0) }),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure("\(what) holds an escape without four digits") }
        position += 4
        return unit
    }

    private mutating func skipSpace() {
        while position < text.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
    }

    /// Whether `character` comes next, which is then passed.
    mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < text.endIndex, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar, _ what: String) throws {
        guard accept(character) else { throw failure("\"\(character)\" is missing in \(what)") }
    }

    private mutating func expectExactly(_ string: String, _ what: String) throws {
        guard text[position...].starts(with: string.utf8) else { throw failure("\"\(string)\" is missing in \(what)") }
        position += string.utf8.count
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }

    /// Whether `word` is a number of JSON: no `+`, `NaN`, `0x` or leading zeros.
    private static func isNumber(_ word: String) -> Bool {
        guard let value = Double(word), value.isFinite else { return false }
        let digits = word.utf8.drop { $0 == UInt8(ascii: "-") }
        guard let first = digits.first, (48...57).contains(first),
            word.utf8.last.map({ (48...57).contains($0) }) == true
        else { return false }
        let whole = digits.prefix { (48...57).contains($0) }
        return (whole.count == 1 || first != 48)
            && word.utf8.allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
    }
}

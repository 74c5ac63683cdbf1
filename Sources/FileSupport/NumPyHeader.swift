import TensorCore

/// The header of a NumPy array file (.npy, NEP 1), versions 1 to 3.
///
/// Only the form that NumPy writes is accepted: the dictionary of exactly `descr`, `fortran_order` and `shape`, in
/// that order, with a plain element type. Nothing is ever evaluated or unpickled.
package struct NumPyHeader: Equatable, Sendable {
    package let type: StoredElementType
    /// Extent per axis, slowest first; empty for a scalar.
    package let shape: [Int]
    /// Whether the first axis varies fastest in the file instead of the last.
    package let isFortranOrder: Bool

    /// Longer headers are refused, as NumPy does.
    private static let maximumByteCount = 10_000

    /// Reads a header through `read`, which gives the next bytes of the file, as many as it is asked for unless the
    /// file ends. `name` is used in messages.
    /// - Throws: `ZooError` if it is not a header, or one of an array that cannot be read safely.
    package init(name: String, read: (Int) throws -> [UInt8]) throws {
        let start = try read(8)
        guard start.count == 8, Array(start[..<6]) == Array("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) }) else {
            throw ZooError("\(name) is not a NumPy array: it does not begin with \\x93NUMPY", code: .damaged)
        }
        let version = start[6]
        guard (1...3).contains(version), start[7] == 0 else {
            throw ZooError(
                "\(name) has the NumPy format version \(version).\(start[7]); 1.0, 2.0 and 3.0 are known",
                code: .unsupported)
        }
        let sizeBytes = try read(version == 1 ? 2 : 4)
        let byteCount = sizeBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard sizeBytes.count == (version == 1 ? 2 : 4), byteCount <= NumPyHeader.maximumByteCount else {
            throw ZooError(
                "\(name) has a header of \(byteCount) bytes; at most \(NumPyHeader.maximumByteCount) are read",
                code: .limit)
        }
        let text = try read(byteCount)
        guard text.count == byteCount else { throw ZooError("\(name) ends in its header", code: .damaged) }
        var parser = Parser(text: text, name: name)
        try parser.expect("{'descr': ")
        let descriptor = try parser.quoted()
        try parser.expect(", 'fortran_order': ")
        isFortranOrder = parser.accept("True")
        if !isFortranOrder { try parser.expect("False") }
        try parser.expect(", 'shape': (")
        shape = try parser.shape()
        _ = parser.accept(", ")
        try parser.expect("}")
        try parser.expectEnd()

        guard !descriptor.contains("O") else {
            throw ZooError(
                "\(name) holds Python objects (type '\(descriptor)'): reading them would run code from the file, so it "
                    + "is refused", advice: "save the array with a numeric type", code: .unsupported)
        }
        guard let type = StoredElementType.allCases.first(where: { $0.numPyDescriptor == descriptor }) else {
            let known = StoredElementType.allCases.compactMap(\.numPyDescriptor).joined(separator: " ")
            throw ZooError("\(name) has elements of type '\(descriptor)'; read are \(known)", code: .unsupported)
        }
        self.type = type
    }

    private struct Parser {
        let text: [UInt8]
        let name: String
        var position = 0

        mutating func accept(_ string: String) -> Bool {
            guard text[position...].starts(with: string.utf8) else { return false }
            position += string.utf8.count
            return true
        }

        mutating func expect(_ string: String) throws {
            guard accept(string) else { throw failure("\"\(string)\"") }
        }

        mutating func quoted() throws -> String {
            // A structured type begins with a bracket.
            try expect("'")
            guard let end = text[position...].firstIndex(of: UInt8(ascii: "'")), end - position <= 16 else {
                throw failure("a plain element type")
            }
            defer { position = end + 1 }
            return String(decoding: text[position..<end], as: UTF8.self)
        }

        /// The sizes up to and including the closing parenthesis: "3, 4)", "3,)" or ")".
        mutating func shape() throws -> [Int] {
            var sizes: [Int] = []
            while !accept(")") {
                if !sizes.isEmpty {
                    try expect(",")
                    if sizes.count == 1, accept(")") { break }
                    try expect(" ")
                }
                let start = position
                var size = 0
                while position < text.count, (48...57).contains(text[position]), position - start < 15 {
                    size = size * 10 + Int(text[position] - 48)
                    position += 1
                }
                guard position > start, sizes.count < 32 else { throw failure("a size") }
                sizes.append(size)
            }
            return sizes
        }

        /// Only padding is left: spaces and a line end.
        mutating func expectEnd() throws {
            while position < text.count - 1, text[position] == 32 { position += 1 }
            guard position == text.count - 1, text[position] == 10 else { throw failure("spaces and a line end") }
        }

        func failure(_ expected: String) -> ZooError {
            let found = String(decoding: text[position...].prefix(24), as: UTF8.self)
            return ZooError(
                "\(name) has a malformed header: \(expected) was expected where \"\(found)\" stands", code: .damaged)
        }
    }
}

extension StoredElementType {
    /// NumPy's name of the type; nil where it has none.
    fileprivate var numPyDescriptor: String? {
        switch self {
        case .boolean: "|b1"
        case .uint8: "|u1"
        case .int8: "|i1"
        case .uint16: "<u2"
        case .int16: "<i2"
        case .uint32: "<u4"
        case .int32: "<i4"
        case .uint64: "<u8"
        case .int64: "<i8"
        case .float16: "<f2"
        case .float32: "<f4"
        case .float64: "<f8"
        case .complex64: "<c8"
        case .bfloat16, .float8E4M3, .float8E5M2: nil
        }
    }
}

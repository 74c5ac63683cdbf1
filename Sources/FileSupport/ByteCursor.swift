import TensorCore

/// A position in the bytes of one structure of a binary file. Every read is checked and throws; nothing here can trap.
package struct ByteCursor {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int
    /// What is being read, for messages: `"the superblock"`.
    private let subject: String
    /// Address in the file of `bytes[0]`.
    private let address: Int
    private let format: Format

    /// What messages say about the file's format.
    package struct Format: Sendable {
        /// For instance "HDF5".
        let name: String
        /// What to do about a feature that is not read.
        let advice: String

        package init(name: String, advice: String) {
            self.name = name
            self.advice = advice
        }
    }

    /// A cursor over all of `bytes`, which begin at `address` of the file.
    package init(_ bytes: [UInt8], address: Int = 0, format: Format, subject: String) {
        self.init(
            bytes: bytes, position: 0, end: bytes.count, subject: subject, address: address, format: format)
    }

    private init(bytes: [UInt8], position: Int, end: Int, subject: String, address: Int, format: Format) {
        self.bytes = bytes
        self.position = position
        self.end = end
        self.subject = subject
        self.address = address
        self.format = format
    }

    /// Where the next byte is in the file.
    package var offset: Int { address + position }

    /// Bytes not yet read.
    package var remaining: Int { end - position }

    /// The next `count` bytes.
    package mutating func bytes(_ count: Int, _ field: String) throws -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else {
            throw damaged("\(field) needs \(count) bytes where \(remaining) are left")
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// A cursor over the next `count` bytes, named `subject`.
    package mutating func part(_ count: Int, _ subject: String) throws -> ByteCursor {
        let start = position
        _ = try bytes(count, subject)
        return ByteCursor(
            bytes: bytes, position: start, end: position, subject: subject, address: address, format: format)
    }

    /// An unsigned little-endian integer of 1 to 8 bytes.
    package mutating func unsigned(bytes count: Int, _ field: String) throws -> UInt64 {
        guard count >= 0, count <= remaining else {
            throw damaged("\(field) needs \(count) bytes where \(remaining) are left")
        }
        var value: UInt64 = 0
        for index in stride(from: position + count - 1, through: position, by: -1) {
            value = value << 8 | UInt64(bytes[index])
        }
        position += count
        return value
    }

    package mutating func byte(_ field: String) throws -> UInt8 {
        UInt8(truncatingIfNeeded: try unsigned(bytes: 1, field))
    }

    /// An unsigned integer that must fit `Int`.
    package mutating func integer(bytes count: Int, _ field: String) throws -> Int {
        let value = try unsigned(bytes: count, field)
        guard let integer = Int(exactly: value) else { throw damaged("\(field) is \(value), which is out of range") }
        return integer
    }

    package mutating func expect(_ expected: String, _ field: String) throws {
        let found = Array(try bytes(expected.utf8.count, field))
        guard found == Array(expected.utf8) else { throw damaged("\(field) is \(found) instead of \"\(expected)\"") }
    }

    /// Reads a byte that must have one of the given values.
    @discardableResult
    package mutating func version(_ field: String, _ accepted: ClosedRange<UInt8>) throws -> UInt8 {
        let found = try byte(field)
        guard accepted.contains(found) else {
            throw unsupported("\(field) \(found); this reader knows \(accepted.lowerBound) to \(accepted.upperBound)")
        }
        return found
    }

    /// Text of `count` bytes that must be valid UTF-8.
    package mutating func text(_ count: Int, _ field: String) throws -> String {
        guard let text = String(validating: try bytes(count, field), as: UTF8.self) else {
            throw damaged("\(field) is not valid UTF-8")
        }
        return text
    }

    /// Checks that everything was read.
    package func finish() throws {
        guard remaining == 0 else { throw damaged("\(remaining) bytes are left over") }
    }

    /// An error saying that the file breaks the format here.
    package func damaged(_ what: String) -> ZooError {
        ZooError("damaged \(format.name) data at byte \(offset), in \(subject): \(what)", code: .damaged)
    }

    /// An error saying that the file uses a feature that is not read.
    package func unsupported(_ what: String) -> ZooError {
        ZooError(
            "unsupported \(format.name) feature at byte \(offset), in \(subject): \(what)", advice: format.advice,
            code: .unsupported)
    }
}

import Checkpoints
import FileSupport
import TensorCore

/// A table of text: numbers, and perhaps columns that are kept apart (labels, factors), separated by commas, tabs or semicolons, with or without a line
/// of names. Fields may be in quotes (RFC 4180).
struct DelimitedText {
    let name: String
    /// The names of the columns; `0`, `1` … where the file has none.
    let columns: [String]
    /// The numbers row by row, without the columns that are kept apart.
    let values: [Double]
    /// The words of the columns that are kept apart, by the names that they were asked for.
    let words: [String: [String]]
    let rowCount: Int

    /// - Parameters:
    ///   - path: the file.
    ///   - apart: the names or numbers of columns that are kept apart.
    /// - Throws: `ZooError` naming the line and column of what is no number or not finite, and lines of other lengths.
    init(path: String, apart: [String]) throws {
        // The numbers take more memory than the text.
        let bytes = try Files.read(path, maximumByteCount: ProcessLimits.current.memoryByteCount / 3)
        name = "'\(path)'"
        var lines = Lines(bytes)
        lines.skipByteOrderMark()
        guard let first = lines.peek() else { throw ZooError("'\(path)' is empty", code: .damaged) }
        let separator = Self.separator(of: first, path)
        let heading = try Heading(first, separator, apart, path)
        let places = heading.places
        columns = heading.columns
        if heading.isApart { _ = lines.next() }
        var values: [Double] = []
        var words = Dictionary(uniqueKeysWithValues: places.values.map { ($0, [String]()) })
        var rowCount = 0
        while let (line, number) = lines.next() {
            let fields = Self.fields(line, separator)
            if fields.count == 1, columns.count > 1, Self.trimmed(fields[0]).isEmpty { continue }
            guard fields.count == columns.count else {
                throw ZooError(
                    "'\(path)' line \(number) has \(fields.count) fields; \(columns.count) were expected",
                    code: .damaged)
            }
            for (index, field) in fields.enumerated() {
                if let name = places[index] {
                    words[name]?.append(Self.trimmed(field))
                    continue
                }
                guard let value = Self.number(field), value.isFinite else {
                    throw Self.noNumber(field, path, line: number, column: columns[index])
                }
                values.append(value)
            }
            rowCount += 1
        }
        guard rowCount > 0, columns.count > places.count else {
            throw Self.noRows(path)
        }
        self.values = values
        self.words = words
        self.rowCount = rowCount
    }

    /// The columns of numbers of a table, by its first line.
    ///
    /// - Throws: `ZooError` for a file that cannot be read or is empty.
    static func columnCount(path: String, apart: [String]) throws -> Int {
        let file = try RegularFile(path, limit: .max)
        var lines = Lines(try file.start(16 << 20))
        lines.skipByteOrderMark()
        guard let first = lines.peek() else { throw ZooError("'\(path)' is empty", code: .damaged) }
        let heading = try Heading(first, separator(of: first, path), apart, path)
        guard heading.columns.count > heading.places.count else { throw noRows(path) }
        return heading.columns.count - heading.places.count
    }

    /// What the first line says.
    private struct Heading {
        /// Their names, or their numbers where the first line is a row.
        let columns: [String]
        /// The columns that are kept apart: the name that each was asked for by.
        var places: [Int: String] = [:]
        /// Whether the first line is no row.
        let isApart: Bool

        init(_ first: Slice, _ separator: UInt8, _ apart: [String], _ path: String) throws {
            let head = fields(first, separator)
            isApart = head.contains { number($0) == nil } && !isRow(head, apart)
            columns = isApart ? head.map { trimmed($0) } : head.indices.map { String($0) }
            for name in apart {
                guard let index = columns.firstIndex(of: name) ?? Int(name), columns.indices.contains(index) else {
                    let nearest = nearestName(to: name, among: columns).map { "did you mean '\($0)'? " } ?? ""
                    throw ZooError(
                        "'\(path)' has no column '\(name)'",
                        advice: "\(nearest)Its columns are \(columns.prefix(40).joined(separator: ", "))", kind: .usage,
                        code: .notFound)
                }
                places[index] = name
            }
        }
    }

    private static func noRows(_ path: String) -> ZooError {
        ZooError("'\(path)' has no rows of numbers", code: .damaged)
    }

    /// The numbers as an array `[N, D]`.
    func array() throws -> StoredArray {
        try StoredArray(name: name, shape: [rowCount, values.count / rowCount], values: values)
    }

    private static func noNumber(_ field: Slice, _ path: String, line: Int, column: String) -> ZooError {
        let text = trimmed(field)
        let found =
            text.isEmpty
            ? "is empty" : number(field) == nil ? "is no number: '\(text.prefix(40))'" : "is \(text.prefix(40))"
        return ZooError(
            "'\(path)' line \(line): column \(column.prefix(40)) \(found)",
            advice: "fill it in or remove it; columns of labels and factors have to be named", code: .notFinite)
    }

    // MARK: Fields

    private typealias Slice = ArraySlice<UInt8>

    /// Whether the first line may be a row: all fields are numbers but those that are kept apart, which are known by their numbers.
    private static func isRow(_ fields: [Slice], _ apart: [String]) -> Bool {
        let places = Set(apart.compactMap { Int($0) })
        guard !places.isEmpty, places.count == apart.count, places.allSatisfy(fields.indices.contains) else {
            return false
        }
        return fields.indices.allSatisfy { places.contains($0) || number(fields[$0]) != nil }
    }

    private static func separator(of line: Slice, _ path: String) -> UInt8 {
        if path.lowercased().hasSuffix(".tsv") { return UInt8(ascii: "\t") }
        let candidates = [",", "\t", ";"].compactMap(\.utf8.first)
        return candidates.first(where: line.contains) ?? UInt8(ascii: ",")
    }

    private static func fields(_ line: Slice, _ separator: UInt8) -> [Slice] {
        let quote = UInt8(ascii: "\"")
        guard line.contains(quote) else { return line.split(separator: separator, omittingEmptySubsequences: false) }
        var fields: [Slice] = []
        var start = line.startIndex
        var isQuoted = false
        for index in line.indices {
            if line[index] == quote { isQuoted.toggle() }
            if line[index] == separator, !isQuoted {
                fields.append(line[start..<index])
                start = index + 1
            }
        }
        return fields + [line[start...]]
    }

    /// Without blanks and quotes around it.
    private static func trimmed(_ field: Slice) -> String {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var field = field.drop(while: isBlank)
        while let last = field.last, isBlank(last) { field.removeLast() }
        if field.count >= 2, field.first == UInt8(ascii: "\""), field.last == UInt8(ascii: "\"") {
            return String(decoding: field.dropFirst().dropLast(), as: UTF8.self).replacing("\"\"", with: "\"")
        }
        return String(decoding: field, as: UTF8.self)
    }

    /// nil for what is no number.
    private static func number(_ field: Slice) -> Double? {
        let text = trimmed(field)
        return text.isEmpty ? nil : Double(text)
    }

    /// The lines of a text, which end in \n or \r\n.
    private struct Lines {
        private let bytes: [UInt8]
        private var position = 0
        private var number = 0

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
        }

        mutating func skipByteOrderMark() {
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        }

        /// The next line, which stays the next.
        func peek() -> Slice? {
            var copy = self
            return copy.next()?.line
        }

        mutating func next() -> (line: Slice, number: Int)? {
            guard position < bytes.count else { return nil }
            let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            var line = bytes[position..<end]
            position = end + 1
            number += 1
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            return (line, number)
        }
    }
}

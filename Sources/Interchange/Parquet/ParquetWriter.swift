import FileSupport
import TensorCore

/// Writes a table as an Apache Parquet file: plain values, not compressed, none of them missing, in groups of rows.
///
/// Source: parquet-format 2.10, `parquet.thrift`, `Encodings.md` and `LogicalTypes.md`.
public struct ParquetWriter {
    /// The values of a column, one a row.
    public enum Values: Sendable {
        case integers([Int])
        case floats([Float])
        case doubles([Double])
        case texts([String])
        /// Rows of `width` numbers, one row after another; `width` is at least 1.
        case vectors([Float], width: Int)
        /// Files of pictures with their names: `struct<bytes: binary, path: string>`.
        case pictures([(name: String, file: [UInt8])])
    }

    /// A column of a group of rows.
    public typealias Column = (name: String, values: Values)

    private var bytes: [UInt8] = Array("PAR1".utf8)
    /// That of the first group; the others have the same.
    private var schema: [Element] = []
    private var groups: [Group] = []

    /// Plain values of a column, or of a part of it.
    private struct Leaf {
        let path: [String]
        let type: Int
        let valueCount: Int
        /// Levels of lists, and the values.
        let page: [UInt8]
    }

    private struct Group {
        let rowCount: Int
        /// What lies in the file: whose values, how many, from which byte on, in how many bytes.
        var chunks: [(path: [String], type: Int, valueCount: Int, start: Int, byteCount: Int)] = []
    }

    public init() {}

    /// Adds rows.
    ///
    /// - Precondition: all columns have `rowCount` values, and all groups the same columns.
    /// - Throws: `ZooError` where the rows take too much together.
    public mutating func add(rowCount: Int, _ columns: [Column]) throws {
        if groups.isEmpty {
            schema = [Element(name: "schema", childCount: columns.count)]
            schema += columns.flatMap { Self.schema($0.name, $0.values) }
        }
        var group = Group(rowCount: rowCount)
        for leaf in columns.flatMap({ Self.leaves($0.name, $0.values) }) {
            guard leaf.page.count <= Int32.max else {
                throw ZooError(
                    "\(leaf.path[0]) takes \(leaf.page.count) bytes in \(rowCount) rows; a Parquet file holds less than 2 GiB",
                    code: .limit)
            }
            let start = bytes.count
            var header = ThriftWriter()
            header.int32(1, 0)  // a page of data
            header.int32(2, leaf.page.count)
            header.int32(3, leaf.page.count)
            header.structure(5) {
                $0.int32(1, leaf.valueCount)
                $0.int32(2, Encoding.plain)
                $0.int32(3, Encoding.runs)
                $0.int32(4, Encoding.runs)
            }
            header.end()
            bytes += header.bytes
            bytes += leaf.page
            group.chunks.append((leaf.path, leaf.type, leaf.valueCount, start, bytes.count - start))
        }
        groups.append(group)
    }

    /// The bytes of the file.
    public consuming func finish() -> [UInt8] {
        var footer = ThriftWriter()
        footer.int32(1, 1)
        footer.structures(2, schema) { $1.write(to: &$0) }
        footer.int64(3, groups.reduce(0) { $0 + $1.rowCount })
        footer.structures(4, groups) { writer, group in
            writer.structures(1, group.chunks) { writer, chunk in
                writer.int64(2, chunk.start)
                writer.structure(3) {
                    $0.int32(1, chunk.type)
                    $0.int32s(2, [Encoding.plain, Encoding.runs])
                    $0.texts(3, chunk.path)
                    $0.int32(4, 0)  // not compressed
                    $0.int64(5, chunk.valueCount)
                    $0.int64(6, chunk.byteCount)
                    $0.int64(7, chunk.byteCount)
                    $0.int64(9, chunk.start)
                }
            }
            writer.int64(2, group.chunks.reduce(0) { $0 + $1.byteCount })
            writer.int64(3, group.rowCount)
        }
        footer.text(6, "zoo")
        footer.end()
        bytes += footer.bytes
        bytes.append(little: UInt32(footer.bytes.count))
        bytes += Array("PAR1".utf8)
        return bytes
    }

    // MARK: Values

    private enum Encoding {
        static let plain = 0
        static let runs = 3
    }

    private enum PhysicalType {
        static let int64 = 2
        static let float = 4
        static let double = 5
        static let bytes = 6
    }

    private static func leaves(_ name: String, _ values: Values) -> [Leaf] {
        func leaf<Value>(
            _ path: [String], _ type: Int, _ values: [Value], levels: [UInt8] = [],
            _ append: (inout [UInt8], Value) -> Void
        ) -> Leaf {
            var page = levels
            for value in values { append(&page, value) }
            return Leaf(path: path, type: type, valueCount: values.count, page: page)
        }
        func bytes(_ page: inout [UInt8], _ value: some Collection<UInt8>) {
            page.append(little: UInt32(value.count))
            page += value
        }
        switch values {
        case .integers(let values):
            return [leaf([name], PhysicalType.int64, values) { $0.append(little: UInt64(bitPattern: Int64($1))) }]
        case .floats(let values):
            return [leaf([name], PhysicalType.float, values) { $0.append(little: $1.bitPattern) }]
        case .doubles(let values):
            return [leaf([name], PhysicalType.double, values) { $0.append(little: $1.bitPattern) }]
        case .texts(let values):
            return [leaf([name], PhysicalType.bytes, values) { bytes(&$0, $1.utf8) }]
        case .vectors(let values, let width):
            let levels = listLevels(rowCount: values.count / width, width: width)
            return [
                leaf([name, "list", "element"], PhysicalType.float, values, levels: levels) {
                    $0.append(little: $1.bitPattern)
                }
            ]
        case .pictures(let values):
            return [
                leaf([name, "bytes"], PhysicalType.bytes, values) { bytes(&$0, $1.file) },
                leaf([name, "path"], PhysicalType.bytes, values) { bytes(&$0, $1.name.utf8) },
            ]
        }
    }

    /// Where rows begin (repetition levels: 0 at the first number of a row, 1 at the others), and that each number is there (definition
    /// levels: 1), as runs of a level.
    private static func listLevels(rowCount: Int, width: Int) -> [UInt8] {
        func run(_ count: Int, of level: UInt8) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.append(varint: UInt64(count) << 1)
            return count == 0 ? [] : bytes + [level]
        }
        func measured(_ runs: [UInt8]) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.append(little: UInt32(runs.count))
            return bytes + runs
        }
        let row = run(1, of: 0) + run(width - 1, of: 1)
        return measured((0..<rowCount).flatMap { _ in row }) + measured(run(rowCount * width, of: 1))
    }

    // MARK: Schema

    /// An element of the schema, which is a tree in depth-first order.
    private struct Element {
        let name: String
        var type: Int?
        var isRepeated = false
        var childCount: Int?
        /// What the bytes or children are: the number of the converted type, and the field of the logical type.
        var meaning: (converted: Int, logical: Int)?

        static let text = (converted: 0, logical: 1)
        static let list = (converted: 3, logical: 3)

        func write(to writer: inout ThriftWriter) {
            if let type { writer.int32(1, type) }
            writer.int32(3, isRepeated ? 2 : 0)
            writer.text(4, name)
            if let childCount { writer.int32(5, childCount) }
            guard let meaning else { return }
            writer.int32(6, meaning.converted)
            writer.structure(10) { $0.structure(meaning.logical) { _ in } }
        }
    }

    private static func schema(_ name: String, _ values: Values) -> [Element] {
        switch values {
        case .integers: [Element(name: name, type: PhysicalType.int64)]
        case .floats: [Element(name: name, type: PhysicalType.float)]
        case .doubles: [Element(name: name, type: PhysicalType.double)]
        case .texts: [Element(name: name, type: PhysicalType.bytes, meaning: Element.text)]
        case .vectors:
            [
                Element(name: name, childCount: 1, meaning: Element.list),
                Element(name: "list", isRepeated: true, childCount: 1),
                Element(name: "element", type: PhysicalType.float),
            ]
        case .pictures:
            [
                Element(name: name, childCount: 2),
                Element(name: "bytes", type: PhysicalType.bytes),
                Element(name: "path", type: PhysicalType.bytes, meaning: Element.text),
            ]
        }
    }
}

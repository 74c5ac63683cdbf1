import FileSupport
import TensorCore

/// The numeric arrays of a file of MATLAB, version 5: little-endian, compressed or not.
///
/// Source: The MathWorks, "MAT-File Format", R2020a, chapter 1, "Level 5 MAT-Files".
struct MATFile {
    /// An array in column-major order: the first axis varies fastest.
    struct Array {
        let shape: [Int]
        /// `miUINT8` and so on, the type in which the elements are stored.
        let type: Int
        let elements: [UInt8]

        /// Whole numbers, of the types that labels have; nil for others.
        var integers: [Int]? {
            func each<Stored: BitwiseCopyable>(_ type: Stored.Type, _ number: (Stored) -> Int?) -> [Int]? {
                elements.withUnsafeBytes { bytes in
                    let numbers = (0..<bytes.count / MemoryLayout<Stored>.size).map {
                        number(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Stored>.size, as: type))
                    }
                    return numbers.contains(nil) ? nil : numbers.compactMap(\.self)
                }
            }
            return switch type {
            case 1: each(Int8.self) { Int($0) }
            case 2: each(UInt8.self) { Int($0) }
            case 3: each(Int16.self) { Int(Int16(littleEndian: $0)) }
            case 4: each(UInt16.self) { Int(UInt16(littleEndian: $0)) }
            case 5: each(Int32.self) { Int(Int32(littleEndian: $0)) }
            case 6: each(UInt32.self) { Int(UInt32(littleEndian: $0)) }
            case 9: each(UInt64.self) { Int(exactly: Double(bitPattern: UInt64(littleEndian: $0))) }
            default: nil
            }
        }
    }

    private(set) var arrays: [String: Array] = [:]
    private static let (compressed, matrix) = (15, 14)
    /// Bytes of an element of the types 1 to 13.
    private static let widths = [1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8]

    /// Reads the arrays of these names.
    ///
    /// - Parameter elementLimit: the most bytes of an array.
    /// - Throws: `ZooError` for a file that is none of these, is damaged, or holds an array of another kind under one of the names.
    init(path: String, names: Set<String>, elementLimit: Int) throws {
        let bytes = try Files.read(path, maximumByteCount: 2 << 30)
        let damage = { (what: String) in
            ZooError("'\(path)' is damaged: \(what)", advice: Archive.damageAdvice, code: .damaged)
        }
        guard bytes.count >= 136, bytes[126..<128].elementsEqual("IM".utf8), bytes[125] == 1 else {
            throw ZooError(
                "'\(path)' is no file of MATLAB, version 5, little-endian",
                advice: "it must be as published, not saved again in another version", code: .unsupported)
        }
        var position = 128
        while position + 8 <= bytes.count {
            let reader = Bytes(bytes[position...], damage: damage)
            let (type, count) = try (reader.word(), reader.word())
            guard count <= bytes.count - position - 8 else {
                throw damage("an element at byte \(position) is longer than the file")
            }
            let content = bytes[position + 8..<position + 8 + count]
            switch type {
            case Self.compressed:
                let inner = Bytes(try InflatingStream(content, of: "'\(path)'"), damage: damage)
                guard try inner.word() == Self.matrix else { break }
                _ = try inner.word()
                try add(inner, names, elementLimit, damage)
            case Self.matrix: try add(Bytes(content, damage: damage), names, elementLimit, damage)
            default: break
            }
            // Compressed elements are not padded.
            position += 8 + (type == Self.compressed ? count : (count + 7) / 8 * 8)
        }
    }

    private mutating func add(
        _ bytes: Bytes, _ names: Set<String>, _ limit: Int, _ damage: (String) -> ZooError
    ) throws {
        let flags = try bytes.element(limit: 16)
        let sizes = try bytes.element(limit: 1 << 10)
        let name = String(decoding: try bytes.element(limit: 1 << 12).content, as: UTF8.self)
        guard names.contains(name) else { return }
        let shape = sizes.content.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map {
                Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self)))
            }
        }
        let count = shape.reduce(1) { total, extent -> Int? in
            guard let total, extent >= 0 else { return nil }
            let (product, overflow) = total.multipliedReportingOverflow(by: extent)
            return overflow ? nil : product
        }
        // Classes 6 to 15 are numbers; bit 11 says that they are complex.
        guard let kind = flags.content.first, (6...15).contains(kind), flags.content.count == 8,
            flags.content[1] & 8 == 0
        else { throw damage("'\(name)' is no array of real numbers") }
        let real = try bytes.element(limit: limit)
        guard let width = Self.widths[real.type], let count, count * width == real.content.count else {
            throw damage("'\(name)' \(shape) has \(real.content.count) bytes")
        }
        arrays[name] = Array(shape: shape, type: real.type, elements: real.content)
    }

    /// Reads one after another.
    private final class Bytes {
        private enum Source {
            case memory(ArraySlice<UInt8>)
            case packed(InflatingStream)
        }
        private var source: Source
        private let damage: (String) -> ZooError

        init(_ bytes: ArraySlice<UInt8>, damage: @escaping (String) -> ZooError) {
            source = .memory(bytes)
            self.damage = damage
        }

        init(_ stream: InflatingStream, damage: @escaping (String) -> ZooError) {
            source = .packed(stream)
            self.damage = damage
        }

        func read(_ count: Int) throws -> [UInt8] {
            let bytes: [UInt8]
            switch source {
            case .memory(let rest):
                bytes = [UInt8](rest.prefix(count))
                source = .memory(rest.dropFirst(count))
            case .packed(let stream):
                bytes = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                    filled = try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
            guard bytes.count == count else { throw damage("it ends in the middle of an array") }
            return bytes
        }

        func word() throws -> Int { try read(4).reversed().reduce(0) { $0 << 8 | Int($1) } }

        /// A data element with its type; small ones lie in their own tag.
        func element(limit: Int) throws -> (type: Int, content: [UInt8]) {
            let first = try word()
            if first >> 16 != 0 {
                let count = first >> 16
                guard count <= 4 else { throw damage("a small element has \(count) bytes") }
                return (first & 0xFFFF, [UInt8](try read(4).prefix(count)))
            }
            let count = try word()
            guard count <= limit else { throw damage("an element has \(count) bytes; at most \(limit) were expected") }
            let content = try read(count)
            // The last one of a compressed matrix is padded, too.
            _ = try read((8 - count % 8) % 8)
            return (first, content)
        }
    }
}

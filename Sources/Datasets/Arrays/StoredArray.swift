import Checkpoints
import FileSupport
import TensorCore

/// An array as a file holds it: elements of one type in row-major order, in memory or where they are in the file, so that
/// files larger than memory are not loaded.
struct StoredArray: Sendable {
    /// In messages: the name of the member, or of the file.
    let name: String
    /// Extent per axis; the first is the number of rows.
    let shape: [Int]
    let type: StoredElementType
    private let source: any ByteSource
    private let start: Int

    /// - Parameter start: where the elements begin in `source`.
    /// - Throws: `ZooError` for elements that are no real numbers, or an array without rows or numbers.
    init(name: String, shape: [Int], type: StoredElementType, source: some ByteSource, from start: Int = 0) throws {
        guard type.isReal else {
            throw ZooError("\(name) holds \(type), which are no real numbers", code: .unsupported)
        }
        guard !shape.isEmpty, shape.allSatisfy({ $0 > 0 }), let byteCount = type.byteCount(of: shape) else {
            throw ZooError("\(name) has the shape \(shape): there are no rows of numbers in it", code: .unsupported)
        }
        guard start >= 0, byteCount <= source.byteCount - start else {
            throw ZooError(
                "\(name) is damaged: \(shape) of \(type) are \(byteCount) bytes, and \(source.byteCount - start) are there",
                code: .damaged)
        }
        self.name = name
        self.shape = shape
        self.type = type
        self.source = source
        self.start = start
    }

    /// An array in memory.
    init(name: String, shape: [Int], values: [Double]) throws {
        try self.init(
            name: name, shape: shape, type: .float64, source: MemorySource(values.withUnsafeBytes { Array($0) }))
    }

    var rowCount: Int { shape[0] }
    /// Numbers of a row.
    var rowSize: Int { shape.dropFirst().reduce(1, *) }
    /// Bytes that reading `rowCount` rows needs besides the result.
    private func byteCount(ofRows count: Int) -> Int { count * rowSize * type.byteCount }

    /// Reads consecutive rows.
    ///
    /// - Parameters:
    ///   - rows: within `0..<rowCount`.
    ///   - numbers: as long as the rows together.
    ///   - scratch: memory that is used meanwhile, made longer where need be.
    /// - Throws: `ZooError` when the file cannot be read any more.
    func read(
        _ rows: Range<Int>, into numbers: UnsafeMutableBufferPointer<Double>, scratch: inout [UInt8]
    ) throws {
        let byteCount = byteCount(ofRows: rows.count)
        if scratch.count < byteCount { scratch = [UInt8](repeating: 0, count: byteCount) }
        let first = start + self.byteCount(ofRows: rows.lowerBound)
        try scratch.withUnsafeMutableBytes { bytes in
            let bytes = UnsafeMutableRawBufferPointer(rebasing: bytes[..<byteCount])
            try copy(first..<first + byteCount, to: bytes, row: rows.lowerBound)
            type.convert(UnsafeRawBufferPointer(bytes), into: numbers)
        }
    }
}

extension StoredArray {
    /// Copies the bytes of a row.
    ///
    /// - Throws: `ZooError` when the file cannot be read any more.
    func copy(_ row: Int, to target: UnsafeMutableRawBufferPointer) throws {
        let first = start + byteCount(ofRows: row)
        try copy(first..<first + byteCount(ofRows: 1), to: target, row: row)
    }

    private func copy(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer, row: Int) throws {
        do {
            try source.copy(range, to: target)
        } catch let error as ZooError {
            throw ZooError(
                "row \(row) of \(name) can no longer be read: \(error.message)",
                advice: "leave the file as it is while it is in use", code: .system, cause: error)
        }
    }
}

extension StoredElementType {
    /// Whether the elements are real numbers that are read.
    var isReal: Bool {
        switch self {
        case .boolean, .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64, .float16, .bfloat16, .float32,
            .float64:
            true
        case .float8E4M3, .float8E5M2, .complex64: false
        }
    }

    /// Whether the elements are whole numbers.
    var isInteger: Bool {
        switch self {
        case .boolean, .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64: true
        case .float16, .bfloat16, .float32, .float64, .float8E4M3, .float8E5M2, .complex64: false
        }
    }

    /// The elements as real numbers.
    ///
    /// - Precondition: `isReal`, and there are as many bytes as `numbers` need.
    fileprivate func convert(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Double>) {
        func each<Stored: BitwiseCopyable>(_ type: Stored.Type, _ number: (Stored) -> Double) {
            for index in numbers.indices {
                numbers[index] = number(
                    bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Stored>.size, as: type))
            }
        }
        switch self {
        case .boolean, .uint8: each(UInt8.self) { Double($0) }
        case .int8: each(Int8.self) { Double($0) }
        case .uint16: each(UInt16.self) { Double(UInt16(littleEndian: $0)) }
        case .int16: each(Int16.self) { Double(Int16(littleEndian: $0)) }
        case .uint32: each(UInt32.self) { Double(UInt32(littleEndian: $0)) }
        case .int32: each(Int32.self) { Double(Int32(littleEndian: $0)) }
        case .uint64: each(UInt64.self) { Double(UInt64(littleEndian: $0)) }
        case .int64: each(Int64.self) { Double(Int64(littleEndian: $0)) }
        case .float16: each(UInt16.self) { Double(Float16(bitPattern: UInt16(littleEndian: $0))) }
        case .bfloat16: each(UInt16.self) { Double(Float(bitPattern: UInt32(UInt16(littleEndian: $0)) << 16)) }
        case .float32: each(UInt32.self) { Double(Float(bitPattern: UInt32(littleEndian: $0))) }
        case .float64: each(UInt64.self) { Double(bitPattern: UInt64(littleEndian: $0)) }
        case .float8E4M3, .float8E5M2, .complex64: preconditionFailure("\(self) are no real numbers")
        }
    }
}

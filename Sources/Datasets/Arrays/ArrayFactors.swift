import TensorCore

/// Factors of variation of the rows of an array: columns of a table, or arrays of the same file.
struct ArrayFactors: Sendable {
    private(set) var factors: [Factor] = []
    /// For each factor the position of each row.
    private(set) var positions: [[Int32]] = []

    /// A factor has at most so many positions.
    private static let limit = 10_000

    init() {}

    /// Adds a factor of words; where all are numbers, its positions are in the order of numbers.
    ///
    /// - Throws: `ZooError` for more different values than a factor has.
    mutating func add(_ name: String, words: [String]) throws {
        let distinct = Set(words)
        let numbers = distinct.compactMap { word in Double(word).flatMap { $0.isFinite ? $0 : nil } }
        guard numbers.count == distinct.count else {
            let labels = try ArrayLabels(words: words, name: name)
            factors.append(Factor(name: name, valueNames: labels.names))
            positions.append(labels.positions)
            return
        }
        try add(name, numbers: words.map { Double($0) ?? 0 })
    }

    /// Adds a factor for each column of an array `[N]` or `[N, F]`.
    ///
    /// - Throws: `ZooError` for an array of more axes, numbers that are not finite, and more different values than a factor has.
    mutating func add(_ name: String, _ array: StoredArray) throws {
        guard array.shape.count <= 2 else {
            throw ZooError(
                "\(array.name) \(array.shape) is no array of factors: [N] or [N, F] was expected", kind: .usage,
                code: .mismatch)
        }
        let size = array.rowSize
        var numbers = [Double](repeating: 0, count: array.rowCount * size)
        var scratch: [UInt8] = []
        try numbers.withUnsafeMutableBufferPointer { try array.read(0..<array.rowCount, into: $0, scratch: &scratch) }
        for column in 0..<size {
            let values = stride(from: column, to: numbers.count, by: size).map { numbers[$0] }
            if let row = values.firstIndex(where: { !$0.isFinite }) {
                throw ZooError("\(array.name) holds \(values[row]) in row \(row) (counted from 0)", code: .notFinite)
            }
            try add(size == 1 ? name : "\(name).\(column)", numbers: values)
        }
    }

    private mutating func add(_ name: String, numbers: [Double]) throws {
        let values = Set(numbers).sorted()
        guard values.count <= Self.limit else {
            throw ZooError(
                "\(name) has \(values.count) different values; factors have at most \(Self.limit)",
                advice: "bring the values of a continuous factor to some steps first", kind: .usage, code: .limit)
        }
        let places = Dictionary(uniqueKeysWithValues: values.enumerated().map { ($1, Int32($0)) })
        factors.append(Factor(name: name, values: values))
        positions.append(numbers.map { places[$0] ?? 0 })
    }
}

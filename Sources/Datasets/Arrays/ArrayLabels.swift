import TensorCore

/// The class of each row.
struct ArrayLabels: Sendable, Equatable {
    /// For each row an index into `names`.
    let positions: [Int32]
    let names: [String]

    /// More kinds of values are no classes.
    private static let limit = 10_000

    /// Of words: the classes are the different words in order.
    ///
    /// - Throws: `ZooError` where there are too many.
    init(words: [String], name: String) throws {
        let distinct = Set(words)
        // Whole numbers are in the order of numbers.
        let numbers = distinct.compactMap { word in Int(word).map { (word, $0) } }
        let names = numbers.count == distinct.count ? numbers.sorted { $0.1 < $1.1 }.map(\.0) : distinct.sorted()
        guard names.count <= Self.limit else {
            throw ZooError(
                "\(name) has \(names.count) different values; labels are of at most \(Self.limit) classes",
                kind: .usage,
                code: .limit)
        }
        self.init(words: words, names: names)
    }

    /// Of words among known names.
    init(words: [String], names: [String]) {
        let places = Dictionary(names.enumerated().map { ($1, Int32($0)) }) { first, _ in first }
        self.names = names
        positions = words.map { places[$0] ?? 0 }
    }

    /// Of an array `[N]`, or `[N, 1]`, of whole numbers, or `[N, K]` with a one at the place of the class.
    ///
    /// - Throws: `ZooError` for other numbers.
    init(_ array: StoredArray) throws {
        var numbers = [Double](repeating: 0, count: array.rowCount * array.rowSize)
        var scratch: [UInt8] = []
        try numbers.withUnsafeMutableBufferPointer { try array.read(0..<array.rowCount, into: $0, scratch: &scratch) }
        let size = array.rowSize
        if size > 1 {
            numbers = try (0..<array.rowCount).map { row in
                let ones = (0..<size).filter { numbers[row * size + $0] == 1 }
                guard ones.count == 1, numbers[row * size..<(row + 1) * size].allSatisfy({ $0 == 0 || $0 == 1 }) else {
                    throw ZooError(
                        "\(array.name) \(array.shape) is neither a list of labels nor, in row \(row), one of them",
                        kind: .usage, code: .mismatch)
                }
                return Double(ones[0])
            }
        }
        let words = try numbers.enumerated().map { row, number in
            guard let label = Int(exactly: number) else {
                throw ZooError("\(array.name) has \(number) in row \(row): labels are whole numbers", kind: .usage)
            }
            return String(label)
        }
        try self.init(words: words, name: array.name)
    }
}

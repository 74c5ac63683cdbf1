import FileSupport
import TensorCore

/// Rows of numbers: vectors `[N, D]`, or images `[N, H, W]`, `[N, C, H, W]` or `[N, H, W, C]`, in memory or in a file.
public struct ArrayDataset: NumericDataset {
    public let info: DatasetInfo
    public let scaling: ValueScaling
    public let notes: [String]
    public var count: Int { rows.rowCount }
    private let rows: StoredArray
    /// Whether the file has the channels of an image last.
    private let isChannelsLast: Bool
    private let labels: [Int32]
    /// For each factor the position of each row.
    private let factorPositions: [[Int32]]
    private let splits: [Split: [Int32]]

    /// - Parameters:
    ///   - info: what is said of the data; its shape and classes are replaced.
    ///   - labels: of the rows; nil for none.
    ///   - factors: of the rows; nil for none.
    ///   - shape: what the model takes; nil for what the array looks like.
    ///   - choice: nil to standardise vectors, and to bring the numbers of images to 0…1.
    /// - Throws: `ZooError` for an array that has not this shape, and naming the first row with a number that is not finite.
    init(
        _ info: DatasetInfo, rows: StoredArray, labels: ArrayLabels? = nil, factors: ArrayFactors? = nil,
        shape: [Int]? = nil,
        scaling choice: ScalingChoice? = nil
    ) throws {
        guard rows.rowCount <= Int32.max else {
            throw ZooError("\(rows.name) has \(rows.rowCount) rows; at most \(Int32.max) are read", code: .limit)
        }
        if let labels, labels.positions.count != rows.rowCount {
            throw ZooError(
                "there are \(labels.positions.count) labels for the \(rows.rowCount) rows of \(rows.name)",
                code: .mismatch)
        }
        if let index = factors?.positions.firstIndex(where: { $0.count != rows.rowCount }), let factors {
            throw ZooError(
                "the factor \(factors.factors[index].name) has \(factors.positions[index].count) values for the "
                    + "\(rows.rowCount) rows of \(rows.name)", code: .mismatch)
        }
        let arrangement = try Arrangement(of: Array(rows.shape.dropFirst()), like: shape, name: rows.name)
        isChannelsLast = arrangement.isChannelsLast
        self.rows = rows
        self.labels = labels?.positions ?? []
        factorPositions = factors?.positions ?? []
        self.info = DatasetInfo(
            name: info.name, title: info.title, summary: info.summary, license: info.license, source: info.source,
            shape: arrangement.shape, classNames: labels?.names,
            factors: factorPositions.isEmpty ? nil : factors?.factors, isGenerated: info.isGenerated)
        let testCount = rows.rowCount < 2 ? 0 : max(1, rows.rowCount / 10)
        let (train, test) = DataSplits.fixed(count: rows.rowCount, testCount: testCount)
        splits = [.train: train, .test: test]
        let (groupCount, choice) = (
            arrangement.shape[0], choice ?? .method(arrangement.shape.count == 1 ? .standard : .unit)
        )
        // A file is gone through where its numbers decide something, or may be none.
        switch (choice, rows.type) {
        case (.method(.unit), .uint8):
            let zeros = [Double](repeating: 0, count: groupCount)
            let most = [Double](repeating: 255, count: groupCount)
            scaling = try ValueScaling(method: .unit, offsets: zeros, scales: most, least: zeros, largest: most)
        case (.constants(let constants), let type) where type.isInteger && constants.count == groupCount:
            scaling = constants
        default:
            scaling = try ArrayMeasures(rows, groupCount: groupCount, isInterleaved: isChannelsLast, training: train)
                .scaling(choice, name: rows.name)
        }
        notes = arrangement.note.map { ["\(rows.name): \($0)"] } ?? []
    }

    public func indices(of split: Split) -> [Int32] { splits[split] ?? [] }

    public func label(_ index: Int) -> Int? { labels.isEmpty ? nil : Int(labels[index]) }

    public func factors(_ index: Int) -> [Int]? {
        factorPositions.isEmpty ? nil : factorPositions.map { Int($0[index]) }
    }

    public func readNumbers(
        _ indices: UnsafeBufferPointer<Int32>, into numbers: UnsafeMutableBufferPointer<Float>
    ) throws {
        let size = rows.rowSize
        precondition(numbers.count >= indices.count * size, "the buffer is too small for \(indices.count) rows")
        let groupCount = scaling.count
        let area = size / groupCount
        let factors = scaling.scales.map { 1 / $0 }
        var scratch: [UInt8] = []
        try withUnsafeTemporaryAllocation(of: Double.self, capacity: size) { row in
            for (position, index) in indices.enumerated() {
                precondition(index >= 0 && index < count, "row \(index) of \(count)")
                let target = UnsafeMutableBufferPointer(rebasing: numbers[position * size..<(position + 1) * size])
                try rows.read(Int(index)..<Int(index) + 1, into: row, scratch: &scratch)
                for group in 0..<groupCount {
                    let (offset, factor) = (scaling.offsets[group], factors[group])
                    for place in 0..<area {
                        let source = isChannelsLast ? place * groupCount + group : group * area + place
                        target[group * area + place] = Float((row[source] - offset) * factor)
                    }
                }
            }
        }
    }
}

/// How the rows of an array are images or vectors.
private struct Arrangement {
    /// `[C, H, W]` or `[D]`.
    let shape: [Int]
    let isChannelsLast: Bool
    /// What a user should know of it.
    var note: String?

    /// - Parameters:
    ///   - row: extents of a row of the file.
    ///   - wanted: what the model takes; nil where that is not known.
    init(of row: [Int], like wanted: [Int]?, name: String) throws {
        var candidates: [(shape: [Int], isChannelsLast: Bool)] = []
        switch row.count {
        case 0: candidates = [([1], false)]
        case 1: candidates = [(row, false)]
        case 2: candidates = [([1] + row, false)]
        case 3:
            candidates = [(row, false), ([row[2], row[0], row[1]], true)]
            // Few numbers at the end and many at the beginning are channels at the end.
            if row[2] <= 4, row[0] > 4 { candidates.reverse() }
        default:
            throw ZooError(
                "\(name) has rows of \(row.count) axes; [N, D], [N, H, W], [N, C, H, W] and [N, H, W, C] are read",
                code: .unsupported)
        }
        if let wanted, let fitting = candidates.first(where: { $0.shape == wanted }) {
            (shape, isChannelsLast) = fitting
        } else if let wanted, row.count == 1, wanted.reduce(1, *) == row[0] {
            // An image in a row of a table.
            (shape, isChannelsLast) = (wanted, false)
            note = "each row of \(row[0]) numbers is an image \(wanted), channel by channel and row by row"
        } else {
            (shape, isChannelsLast) = candidates[0]
        }
    }
}

extension [Int] {
    /// The extents of a row of a file as those of an image or a vector.
    ///
    /// - Throws: `ZooError` for more axes than an image has.
    func arranged(like shape: [Int]?, name: String) throws -> [Int] {
        try Arrangement(of: self, like: shape, name: name).shape
    }
}

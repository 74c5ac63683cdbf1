import TensorCore

/// What a pass over the rows of an array tells: ranges over all rows, means and deviations over the training rows.
struct ArrayMeasures {
    private var least: [Double]
    private var largest: [Double]
    private var means: [Double]
    private var squares: [Double]
    private var counts: [Double]

    /// - Parameters:
    ///   - groupCount: features of a vector, or channels of an image.
    ///   - isInterleaved: whether the channels of an image lie together, pixel by pixel.
    ///   - training: the training rows, ascending.
    /// - Throws: `ZooError` naming the first row with a number that is not finite.
    init(_ array: StoredArray, groupCount: Int, isInterleaved: Bool, training: [Int32]) throws {
        least = [Double](repeating: .infinity, count: groupCount)
        largest = [Double](repeating: -.infinity, count: groupCount)
        means = [Double](repeating: 0, count: groupCount)
        squares = means
        counts = means
        var isTraining = [Bool](repeating: false, count: array.rowCount)
        for index in training { isTraining[Int(index)] = true }
        let size = array.rowSize
        let area = size / groupCount
        // About a megabyte at a time.
        let blockSize = max(1, min(array.rowCount, (1 << 17) / size))
        var scratch: [UInt8] = []
        let numbers = UnsafeMutableBufferPointer<Double>.allocate(capacity: blockSize * size)
        defer { numbers.deallocate() }
        for start in stride(from: 0, to: array.rowCount, by: blockSize) {
            let block = start..<min(start + blockSize, array.rowCount)
            try array.read(
                block, into: UnsafeMutableBufferPointer(rebasing: numbers[..<(block.count * size)]), scratch: &scratch)
            for row in block {
                let first = (row - start) * size
                for place in 0..<size {
                    let value = numbers[first + place]
                    guard value.isFinite else { throw Self.notFinite(value, array, row: row, place: place) }
                    let group = isInterleaved ? place % groupCount : place / area
                    least[group] = min(least[group], value)
                    largest[group] = max(largest[group], value)
                    if isTraining[row] { add(value, to: group) }
                }
            }
        }
    }

    /// Welford's running mean and sum of squared differences (Technometrics 4, 1962).
    private mutating func add(_ value: Double, to group: Int) {
        counts[group] += 1
        let difference = value - means[group]
        means[group] += difference / counts[group]
        squares[group] += difference * (value - means[group])
    }

    private static func notFinite(_ value: Double, _ array: StoredArray, row: Int, place: Int) -> ZooError {
        let what = value.isNaN ? "NaN" : "an infinite number"
        let more = array.shape.count == 2 ? ", feature \(place)" : ""
        return ZooError(
            "\(array.name) holds \(what) in row \(row)\(more) (counted from 0)",
            advice: "remove or fill in such rows: a model can learn nothing from them", code: .notFinite)
    }

    /// The scaling that was chosen.
    ///
    /// - Throws: `ZooError` for constants of data with other features or channels.
    func scaling(_ choice: ScalingChoice, name: String) throws -> ValueScaling {
        let method: ValueScaling.Method
        switch choice {
        case .constants(let constants):
            guard constants.count == least.count else {
                throw ZooError(
                    "the model was trained on data of \(constants.count) features or channels, and \(name) has "
                        + "\(least.count)", kind: .usage, code: .mismatch)
            }
            return constants
        case .method(let chosen): method = chosen
        }
        let zeros = [Double](repeating: 0, count: least.count)
        let ones = [Double](repeating: 1, count: least.count)
        var (offsets, scales) = (zeros, ones)
        switch method {
        case .asIs: break
        case .unit:
            // One range for all features: their proportions stay.
            let low = least.min() ?? 0
            let span = (largest.max() ?? 0) - low
            offsets = ones.map { $0 * low }
            scales = ones.map { $0 * (span > 0 ? span : 1) }
        case .standard:
            offsets = means
            scales = zip(squares, counts).map { sum, count in
                let deviation = (sum / max(1, count)).squareRoot()
                return deviation > 0 ? deviation : 1
            }
        }
        if let place = zip(offsets, scales).enumerated().first(where: { !($1.0.isFinite && $1.1.isFinite) })?.offset {
            throw ZooError(
                "the numbers of feature or channel \(place) of \(name) are too large to be scaled: from \(least[place]) to "
                    + "\(largest[place])", advice: "divide them by a constant first", code: .limit)
        }
        return try ValueScaling(method: method, offsets: offsets, scales: scales, least: least, largest: largest)
    }
}

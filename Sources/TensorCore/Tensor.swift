/// Numbers with a shape: images `[N, C, H, W]` or `[N, D]`, pixels from 0 to 1; latent vectors `[N, D]`.
///
/// A value: copies share their memory until one of them changes.
public struct Tensor: Sendable, Equatable {
    /// Extents, outermost first. The first is N, how many images or vectors there are; it may be 0.
    public let shape: [Int]
    /// Row-major.
    public var values: [Float] {
        didSet { precondition(values.count == oldValue.count, "the values of a tensor \(shape) are \(oldValue.count)") }
    }

    /// - Throws: `ZooError` where the number of values is not the product of the extents.
    public init(shape: [Int], values: [Float]) throws {
        guard let first = shape.first, first >= 0, shape.dropFirst().allSatisfy({ $0 > 0 }) else {
            throw ZooError(
                "\(shape) is no shape of a tensor: it needs a count and positive extents", kind: .usage, code: .mismatch
            )
        }
        let count = Self.product(shape)
        guard values.count == count else {
            throw ZooError(
                "\(values.count) values do not fill the shape \(shape)"
                    + (count.map { ", which has \($0)" } ?? ", which is too large"), kind: .usage, code: .mismatch)
        }
        self.shape = shape
        self.values = values
    }

    /// Rows of numbers as `[N, …]`.
    ///
    /// - Parameters:
    ///   - rows: N lists of numbers.
    ///   - shape: of one row; nil for a vector as long as the first row.
    /// - Throws: `ZooError` naming the first row of another size.
    public init(rows: [[Float]], shape: Shape? = nil) throws {
        let size = shape?.count ?? rows.first?.count ?? 0
        if let index = rows.firstIndex(where: { $0.count != size }) {
            throw ZooError(
                "row \(index) has \(rows[index].count) numbers, not \(size)", kind: .usage, code: .mismatch)
        }
        self.init(unchecked: [rows.count] + (shape?.dimensions ?? [max(1, size)]), rows.flatMap { $0 })
    }

    /// - Precondition: there are as many values as the shape has.
    package init(unchecked shape: [Int], _ values: [Float]) {
        self.shape = shape
        self.values = values
    }

    /// nil where it does not fit an integer.
    private static func product(_ shape: [Int]) -> Int? {
        var product = 1
        for extent in shape {
            let (next, overflows) = product.multipliedReportingOverflow(by: extent)
            if overflows { return nil }
            product = next
        }
        return product
    }

    /// How many images or vectors there are, N.
    public var count: Int { shape[0] }

    /// The shape of one image or vector.
    public var elementShape: Shape { Shape(Array(shape.dropFirst())) }

    /// The numbers of one image or vector.
    ///
    /// - Precondition: `index` is in `0..<count`.
    public subscript(index: Int) -> ArraySlice<Float> {
        let size = elementShape.count
        return values[index * size..<(index + 1) * size]
    }

    /// Some of the images or vectors.
    ///
    /// - Precondition: the range lies in `0..<count`.
    public subscript(range: Range<Int>) -> Tensor {
        let size = elementShape.count
        return Tensor(
            unchecked: [range.count] + shape.dropFirst(),
            Array(values[range.lowerBound * size..<range.upperBound * size]))
    }

    /// N lists of numbers.
    public var rows: [[Float]] { (0..<count).map { Array(self[$0]) } }

    /// One after another along the first axis.
    ///
    /// - Throws: `ZooError` where images or vectors have different shapes, or there are none.
    public static func concatenated(_ tensors: [Tensor]) throws -> Tensor {
        guard let first = tensors.first else {
            throw ZooError("there are no tensors to put together", kind: .usage, code: .mismatch)
        }
        if let other = tensors.first(where: { $0.shape.dropFirst() != first.shape.dropFirst() }) {
            throw ZooError(
                "tensors \(first.shape) and \(other.shape) cannot be put together", kind: .usage, code: .mismatch)
        }
        return Tensor(
            unchecked: [tensors.reduce(0) { $0 + $1.count }] + first.shape.dropFirst(), tensors.flatMap(\.values))
    }
}

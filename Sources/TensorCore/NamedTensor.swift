/// A tensor outside any plan: a name, a shape and values in row-major order.
///
/// This is the form in which parameters, buffers and optimiser state travel between a plan and a file.
public struct NamedTensor: Sendable, Equatable {
    /// The path, for instance `encoder.conv1.weight`.
    public var path: String
    /// Extent per axis; empty for a scalar.
    public var shape: [Int]
    /// `shape.product` values, row-major, in PyTorch's layout for parameters.
    public var values: [Float]

    /// - Precondition: `values.count` is the product of `shape`.
    public init(path: String, shape: [Int], values: [Float]) {
        precondition(
            values.count == shape.reduce(1, *),
            "\(path): \(values.count) values do not fill the shape \(shape)")
        self.path = path
        self.shape = shape
        self.values = values
    }
}

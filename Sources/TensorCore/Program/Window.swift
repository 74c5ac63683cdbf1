/// How a window slides over the H and W axes: convolution, transposed convolution and pooling.
public struct Window: Hashable, Sendable {
    /// Extents along H and W, in pixels.
    public struct Extent: Hashable, Sendable {
        public var height: Int
        public var width: Int

        public init(_ height: Int, _ width: Int) {
            self.height = height
            self.width = width
        }

        public init(_ side: Int) {
            self.init(side, side)
        }
    }

    public var kernel: Extent
    public var stride: Extent
    /// Zeros added on each side of the input (for a transposed convolution: of the convolution it transposes).
    public var padding: Extent
    /// Rows and columns added at the lower right of a transposed convolution's output.
    public var outputPadding: Extent

    public init(
        kernel: Extent, stride: Extent = Extent(1), padding: Extent = Extent(0), outputPadding: Extent = Extent(0)
    ) {
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.outputPadding = outputPadding
    }

    /// The kernel and padding in words, for messages.
    var description: String {
        "a kernel of \(kernel.height)×\(kernel.width) with padding \(padding.height)×\(padding.width)"
    }

    /// ⌊(in + 2·padding − kernel) / stride⌋ + 1 for H and W; nil where the window does not fit.
    public func outputExtent(height: Int, width: Int) -> (height: Int, width: Int)? {
        let rows = height + 2 * padding.height - kernel.height
        let columns = width + 2 * padding.width - kernel.width
        guard rows >= 0, columns >= 0 else { return nil }
        return (rows / stride.height + 1, columns / stride.width + 1)
    }

    /// (in − 1)·stride − 2·padding + kernel + outputPadding for H and W; nil where nothing would be left.
    public func transposedOutputExtent(height: Int, width: Int) -> (height: Int, width: Int)? {
        let rows = (height - 1) * stride.height - 2 * padding.height + kernel.height + outputPadding.height
        let columns = (width - 1) * stride.width - 2 * padding.width + kernel.width + outputPadding.width
        guard rows > 0, columns > 0 else { return nil }
        return (rows, columns)
    }
}

/// An operation that a plug-in defines, with its derivative, on tensors in row-major N C H W order.
///
/// Both engines call the same generic code: the reference engine with `Double`, the fast engine with `Float`.
public protocol CustomOperation: Sendable {
    /// The name shown in profiles and errors.
    var name: String { get }

    /// The shape of one image of the output. Throws a `ZooError` where the inputs do not fit.
    func outputShape(_ inputs: [Shape]) throws -> Shape

    /// Computes the output for `imageCount` images.
    ///
    /// - Parameters:
    ///   - inputs: per input `imageCount × shape` elements, or `shape` elements for a parameter.
    ///   - output: `imageCount × outputShape` elements, to be filled.
    func forward<Element: BinaryFloatingPoint>(
        inputs: [UnsafeBufferPointer<Element>], output: UnsafeMutableBufferPointer<Element>, imageCount: Int)

    /// Computes the gradient with respect to every input; a parameter's gradient is summed over the images.
    func backward<Element: BinaryFloatingPoint>(
        inputs: [UnsafeBufferPointer<Element>], outputGradient: UnsafeBufferPointer<Element>,
        inputGradients: [UnsafeMutableBufferPointer<Element>], imageCount: Int)
}

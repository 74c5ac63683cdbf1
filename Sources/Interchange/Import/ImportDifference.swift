/// Something in which a file and a model differ.
public struct ImportDifference: Sendable, Equatable {
    public enum Kind: String, CaseIterable, Sendable {
        /// A tensor of the model that the file does not have; it keeps its first values (seed 0).
        case missing
        /// A tensor of the file that the model does not have; it is left out.
        case extra
        /// A tensor of another shape with as many elements.
        case reshaped
        /// A tensor of f64, whose values are rounded to f32.
        case narrowed
    }

    /// Nil for what cannot be allowed: another number of elements, or no floating-point numbers.
    public let kind: Kind?
    /// The tensor's name.
    public let name: String
    /// A sentence with both sides.
    public let message: String
}

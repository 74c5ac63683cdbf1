/// How training images are changed each time they are seen, so that a model does not learn them by heart. What is drawn is a function
/// of the seed, the step and the image. Evaluation, pictures and everything else see the images as they are.
public struct Augmentation: Sendable, Equatable {
    /// About which axes images are mirrored, each time with probability 1/2.
    public enum Flip: String, Sendable, CaseIterable {
        case none
        /// Left becomes right.
        case horizontal
        /// Top becomes bottom.
        case vertical
        /// Both, independently.
        case both
    }

    public var flip: Flip
    /// Pixels by which images are moved at most, up, down, left and right; the pixels at the edge are repeated.
    public var shift: Int
    /// The smallest part of the sides that a random cut of the image's aspect has, which is enlarged to the image; 1 for the whole image.
    public var crop: Float

    public init(flip: Flip = .none, shift: Int = 0, crop: Float = 1) {
        self.flip = flip
        self.shift = shift
        self.crop = crop
    }
}

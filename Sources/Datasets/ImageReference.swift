/// An image as users name it: its number in the data set, a class, or a file.
public enum ImageReference: Equatable, Sendable {
    case index(Int)
    /// A class, by name or number.
    case label(String)
    /// The path of a file of a picture.
    case file(String)

    public var needsDataset: Bool {
        if case .file = self { false } else { true }
    }

    /// Whether it stands for many images.
    public var isClass: Bool {
        if case .label = self { true } else { false }
    }
}

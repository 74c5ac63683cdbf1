import TensorCore

/// A file format that figures are written in.
public enum FigureFormat: String, Sendable, CaseIterable {
    /// Pixels, one per unit of the figure.
    case png
    /// Scalable Vector Graphics; text becomes outlines, so no fonts are needed to see it.
    case svg
    /// One page of Portable Document Format, fonts embedded.
    case pdf

    /// The format that the extension of `path` names, in upper or lower case.
    /// - Throws: `ZooError` of kind `usage` listing the formats if it names none of them.
    public init(path: String) throws {
        let name = path.split(separator: "/").last ?? ""
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let fileExtension = parts.count > 1 ? parts[parts.count - 1].lowercased() : ""
        guard let format = FigureFormat(rawValue: fileExtension) else {
            throw ZooError(
                fileExtension.isEmpty
                    ? "the figure '\(path)' has no extension to say its format"
                    : "figures cannot be written as '.\(fileExtension)' ('\(path)')",
                advice: "use one of .png, .svg and .pdf", kind: .usage)
        }
        self = format
    }
}

import FileSupport

/// A drawing that can be written in every format.
public protocol Figure: Sendable {
    /// The bytes of the figure in `format`.
    /// - Throws: `ZooError` if there is nothing to draw or it cannot be drawn.
    func encoded(as format: FigureFormat) throws -> [UInt8]
}

extension Figure {
    /// Writes the figure to a PNG, SVG or PDF file, as the extension of `path` says.
    /// - Throws: `ZooError` for another extension (kind `usage`), what `encoded(as:)` throws, and if the file cannot
    ///   be written.
    public func write(to path: String) throws {
        let format = try FigureFormat(path: path)
        try AtomicFile.write(encoded(as: format), to: path)
    }
}

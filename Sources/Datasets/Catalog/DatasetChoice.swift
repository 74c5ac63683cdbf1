import TensorCore

/// A data set that is to be worked on, before it is opened.
public struct DatasetChoice: Sendable {
    public let descriptor: DatasetDescriptor
    public var options: DatasetOptions

    public init(_ descriptor: DatasetDescriptor, options: DatasetOptions = DatasetOptions()) {
        self.descriptor = descriptor
        self.options = options
    }

    public var name: String { descriptor.name }

    /// The shape of its rows where that follows from a file of numbers, or is that of generated vectors; nil for images, whose
    /// shape their readers know.
    ///
    /// - Throws: `ZooError` for a file that cannot be read.
    public func numericShape() throws -> [Int]? {
        if name == "array" { return try options.array?.rowShape(like: options.shape) }
        return descriptor.info.isVector ? descriptor.info.shape : nil
    }

    /// Why it cannot be opened: its files are nowhere; nil where they are here or it needs none.
    public var missing: ZooError? {
        guard case .missing(let reason) = descriptor.presence(options) else { return nil }
        return reason
    }

    /// Whether it would be downloaded: its publisher offers files, and nobody has said where they are.
    public var canBeDownloaded: Bool { !descriptor.files.isEmpty && options.dataDirectory == nil }

    /// - Throws: `ZooError` where it is missing or damaged, or is to be scaled and has images of bytes.
    public func open() throws -> any Dataset {
        let dataset = try descriptor.open(options)
        if case .method = options.scaling, dataset.valueScaling == nil {
            throw ZooError(
                "a scaling belongs to data of real numbers, and \(name) has images of bytes, which become 0…1",
                kind: .usage, code: .unsupported, remedy: .leaveOut(.scaling))
        }
        return dataset
    }
}

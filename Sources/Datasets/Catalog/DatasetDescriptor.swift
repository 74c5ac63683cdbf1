/// A published file of a data set.
public struct DatasetFile: Sendable, Equatable {
    /// The file's name, without folders.
    public let name: String
    /// The folder part of the publisher's address, ending in a slash; the address is `baseURL + name`.
    public let baseURL: String
    /// Other folders with the same file, tried one after another where the publisher's does not answer.
    public let mirrors: [String]
    /// The published size in bytes, where known.
    public let byteCount: Int?
    /// The published checksum, where known.
    public let checksum: Checksum?

    public init(name: String, baseURL: String, mirrors: [String] = [], byteCount: Int?, checksum: Checksum?) {
        self.name = name
        self.baseURL = baseURL
        self.mirrors = mirrors
        self.byteCount = byteCount
        self.checksum = checksum
    }
}

/// A file or folder of a data set that was found on this machine.
public struct LocatedFile: Sendable, Equatable {
    /// Where it is.
    public let path: String
    /// The published file that it should equal; nil if it is another form of it (unpacked, for example).
    public let published: DatasetFile?

    public init(path: String, published: DatasetFile?) {
        self.path = path
        self.published = published
    }
}

/// What the catalog knows about a data set before it is opened.
public struct DatasetDescriptor: Sendable {
    public let info: DatasetInfo
    /// The number of images, where it is fixed.
    public let imageCount: Int?
    /// The files to download; empty if there are none or they must be fetched by hand.
    public let files: [DatasetFile]
    /// How to get the data where it cannot be downloaded.
    public let instructions: String?
    /// Finds the files on this machine. Throws `ZooError` naming the missing ones and every place looked at.
    public let locate: @Sendable (DatasetOptions) throws -> [LocatedFile]
    /// Opens the data set. Throws `ZooError` if it is missing or damaged.
    public let open: @Sendable (DatasetOptions) throws -> any Dataset

    public var name: String { info.name }

    public init(
        info: DatasetInfo, imageCount: Int? = nil, files: [DatasetFile] = [], instructions: String? = nil,
        locate: @escaping @Sendable (DatasetOptions) throws -> [LocatedFile] = { _ in [] },
        open: @escaping @Sendable (DatasetOptions) throws -> any Dataset
    ) {
        self.info = info
        self.imageCount = imageCount
        self.files = files
        self.instructions = instructions
        self.locate = locate
        self.open = open
    }
}

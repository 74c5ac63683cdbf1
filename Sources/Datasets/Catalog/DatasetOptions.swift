/// What a user may say about where data is and how it is prepared.
public struct DatasetOptions: Sendable {
    /// The first place to look for data (`--data-dir`).
    public var dataDirectory: String?
    /// The folder of pictures (`image-folder`).
    public var imageFolder: String?
    /// The file of numbers (`array`).
    public var array: ArrayFile?
    /// What the model takes, `[C, H, W]` or `[D]`; nil where that is not known (`array`).
    public var shape: [Int]?
    /// How numbers are scaled; nil for the data set's own way (`array` and points of the plane).
    public var scaling: ScalingChoice?
    /// How pictures become images; nil for the data set's own way.
    public var preparation: ImagePreparation?
    /// Whether pictures that cannot be decoded are left out; otherwise they are an error.
    public var skipsDamaged = false
    /// Called about ten times a second while pictures are decoded, by any thread.
    public var progress: @Sendable (DecodingProgress) -> Void = { _ in }
    /// A file of yes/no attributes per picture, as CelebA's `list_attr_celeba.txt` (`image-folder`).
    public var attributeFile: String?
    /// A file that puts each picture in a split, as CelebA's `list_eval_partition.txt` (`image-folder`).
    public var partitionFile: String?
    /// Replaces the process's environment (for tests); nil to use it.
    public var environment: [String: String]?

    public init(
        dataDirectory: String? = nil, imageFolder: String? = nil, array: ArrayFile? = nil, shape: [Int]? = nil,
        scaling: ScalingChoice? = nil, preparation: ImagePreparation? = nil, attributeFile: String? = nil,
        partitionFile: String? = nil, environment: [String: String]? = nil
    ) {
        self.dataDirectory = dataDirectory
        self.imageFolder = imageFolder
        self.array = array
        self.shape = shape
        self.scaling = scaling
        self.preparation = preparation
        self.attributeFile = attributeFile
        self.partitionFile = partitionFile
        self.environment = environment
    }

    /// The places to look for data.
    public var locations: DataLocations {
        DataLocations(dataDirectory: dataDirectory, environment: environment)
    }
}

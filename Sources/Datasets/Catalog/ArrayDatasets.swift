import TensorCore

extension DatasetDescriptor {
    /// Any file of numbers.
    static var array: DatasetDescriptor {
        let info = DatasetInfo(
            name: "array", title: "Array",
            summary: "The numbers of a .npy, .npz, HDF5, .csv or .tsv file: vectors [N, D], or images [N, H, W], "
                + "[N, C, H, W] or [N, H, W, C].",
            license: "your own", source: "your own", shape: [])
        let locate: @Sendable (DatasetOptions) throws -> [LocatedFile] = { options in
            guard let array = options.array else {
                throw ZooError("the data set array needs a file of numbers", kind: .usage, remedy: .giveArray)
            }
            guard Files.isFile(array.path) else {
                throw ZooError(
                    "there is no file '\(array.path)'", advice: "give a .npy, .npz, HDF5, .csv or .tsv file",
                    kind: .usage, code: .notFound, subject: .path(array.path))
            }
            return [LocatedFile(path: array.path, published: nil)]
        }
        return DatasetDescriptor(
            info: info, instructions: "Nothing to download: give a file of numbers.", locate: locate
        ) { options in
            guard let array = options.array else {
                throw ZooError("the data set array needs a file of numbers", kind: .usage, remedy: .giveArray)
            }
            return try array.open(
                info, shape: options.shape, scaling: options.scaling,
                unpacked: UnpackedArrays(cacheFolder: options.locations.cacheFolder))
        }
    }

    /// Points of the plane.
    static func points(_ points: PlanePoints) -> DatasetDescriptor {
        DatasetDescriptor(info: points.description, imageCount: PlanePoints.count) { options in
            try points.dataset(
                scaling: options.scaling)
        }
    }
}

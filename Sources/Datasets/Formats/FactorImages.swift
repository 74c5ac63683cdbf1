import TensorCore

/// 3D Shapes: all combinations of six factors, 64 × 64, RGB, in one HDF5 file.
enum Shapes3D {
    static let fileName = "3dshapes.h5"
    private static let names = ["floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation"]
    static let counts = [10, 10, 10, 8, 4, 15]

    static func info(_ factors: [Factor]?) -> DatasetInfo {
        DatasetInfo(
            name: "shapes3d", title: "3D Shapes",
            summary: "480,000 pictures of a shape in a room, in all hues, sizes and directions, 64 x 64, RGB.",
            license: "Apache-2.0", source: "https://github.com/google-deepmind/3d-shapes", shape: [3, 64, 64],
            factors: factors)
    }

    /// As published: hues, sizes and angles evenly spaced.
    static let factors = [
        Factor.spaced("floor_hue", count: 10, from: 0, through: 0.9),
        Factor.spaced("wall_hue", count: 10, from: 0, through: 0.9),
        Factor.spaced("object_hue", count: 10, from: 0, through: 0.9),
        Factor.spaced("scale", count: 8, from: 0.75, through: 1.25),
        Factor(name: "shape", valueNames: ["cube", "cylinder", "sphere", "capsule"]),
        Factor.spaced("orientation", count: 15, from: -30, through: 30),
    ]

    /// - Parameters:
    ///   - counts: positions of each factor.
    ///   - unpacked: where the images are unpacked, which take 5.9 GB.
    /// - Throws: `ZooError` where the file is not what is expected.
    static func open(
        path: String, unpacked: UnpackedArrays, counts: [Int] = counts, testCount: Int = 10_000
    ) throws -> StoredImages {
        let contents = try ArrayContents(path: path, apart: [], unpacked: unpacked)
        var labels = ArrayFactors()
        try labels.add("labels", contents.array("labels", besides: []))
        guard labels.factors.map(\.count) == counts else {
            throw ZooError(
                "the labels of '\(path)' have \(labels.factors.map(\.count)) values; \(counts) were expected",
                advice: "it must be the published file \(fileName)", code: .mismatch)
        }
        // The values are those of the file, the names ours.
        let factors = zip(names, labels.factors).map { name, factor in
            name == "shape" && factor.count == 4 ? Self.factors[4] : Factor(name: name, values: factor.values ?? [])
        }
        let grid = FactorGrid(factors)
        for index in 0..<min(grid.count, labels.positions[0].count) {
            for factor in factors.indices
            where Int(labels.positions[factor][index]) != grid.position(factor, of: index) {
                throw ZooError(
                    "the labels of '\(path)' are not in the published order: row \(index) differs in column \(factor)",
                    advice: "it must be the published file \(fileName)", code: .mismatch)
            }
        }
        return try StoredImages(
            info(factors), grid: grid, rows: contents.array("images", besides: []), path: path, testCount: testCount)
    }
}

/// MPI3D: a robot's arm with an object, rendered or photographed, in all combinations of seven factors, 64 × 64, RGB.
///
/// Source: M. W. Gondal and others, "On the transfer of inductive bias from simulation to the real world", NeurIPS 2019.
enum MPI3D: String, CaseIterable {
    case toy, realistic, real

    static let factors = [
        Factor(name: "object_color", valueNames: ["white", "green", "red", "blue", "brown", "olive"]),
        Factor(name: "object_shape", valueNames: ["cone", "cube", "cylinder", "hexagonal", "pyramid", "sphere"]),
        Factor(name: "object_size", valueNames: ["small", "large"]),
        Factor(name: "camera_height", valueNames: ["top", "center", "bottom"]),
        Factor(name: "background_color", valueNames: ["purple", "sea green", "salmon"]),
        Factor.spaced("horizontal_axis", count: 40, from: 0, through: 39),
        Factor.spaced("vertical_axis", count: 40, from: 0, through: 39),
    ]

    var info: DatasetInfo {
        let how =
            switch self {
            case .toy: "simply rendered"
            case .realistic: "realistically rendered"
            case .real: "photographed"
            }
        return DatasetInfo(
            name: "mpi3d-\(rawValue)", title: "MPI3D \(rawValue)",
            summary: "1,036,800 pictures of a robot's arm with an object, \(how), 64 x 64, RGB.",
            license: "CC BY 4.0", source: "https://github.com/rr-learning/disentanglement_dataset", shape: [3, 64, 64],
            factors: Self.factors)
    }

    var file: DatasetFile {
        let sum =
            switch self {
            case .toy: "55889cb7c7dfc655d6e0277beee88868"
            case .realistic: "59a6225b88b635365f70c91b3e52f70f"
            case .real: "0f33f609918fb5c97996692f91129802"
            }
        return DatasetFile(
            name: "mpi3d_\(rawValue).npz",
            baseURL: "https://storage.googleapis.com/disentanglement_dataset/Final_Dataset/", byteCount: nil,
            checksum: .md5(sum))
    }

    /// - Parameter factors: those of the grid.
    /// - Throws: `ZooError` where the file is not what is expected.
    func open(
        path: String, unpacked: UnpackedArrays, factors: [Factor] = factors, testCount: Int = 10_000
    ) throws -> StoredImages {
        let contents = try ArrayContents(path: path, apart: [], unpacked: unpacked)
        return try StoredImages(
            info, grid: FactorGrid(factors), rows: contents.array("images", besides: []), path: path,
            testCount: testCount)
    }
}

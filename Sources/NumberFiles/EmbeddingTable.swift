import Datasets
import Figures
import FileSupport
import ImageFiles
import Interchange
import LatentTools
import ModelFigures
import TensorCore

/// μ, log σ² and what is known of each image, as a file of numbers.
public struct EmbeddingTable {
    public let codes: LatentCodes
    public let factors: [KnownFactor]
    public let dataset: any Dataset
    /// How its images are shown; nil to leave them out.
    public let pictures: Pictures?

    public init(codes: LatentCodes, factors: [KnownFactor], dataset: any Dataset, pictures: Pictures? = nil) {
        self.codes = codes
        self.factors = factors
        self.dataset = dataset
        self.pictures = pictures
    }

    /// The kinds of files.
    public static let extensions = ["parquet", "npz", "csv"]

    /// Whether a file is one of numbers, by its extension.
    public static func isTable(_ path: String) -> Bool { extensions.contains { path.lowercased().hasSuffix("." + $0) } }

    /// Writes it as the extension says.
    ///
    /// - Parameter axes: two coordinates to look at, for `.parquet`; nil to leave them out.
    /// - Throws: `ZooError` where the file cannot be written, and what `axes` throws.
    public func write(to path: String, axes: () throws -> EmbeddingAxes? = { nil }) throws {
        let name = path.lowercased()
        let bytes =
            name.hasSuffix(".csv") ? Array(csv.utf8) : name.hasSuffix(".npz") ? try npz() : try parquet(axes())
        try AtomicFile.write(bytes, to: path)
    }

    private var meanName: String { codes.isVariational ? "mean" : "code" }

    private var columns: [String] {
        let names = (0..<codes.latentSize).map { "\(meanName)_\($0)" }
        let variances = codes.isVariational ? (0..<codes.latentSize).map { "log_variance_\($0)" } : []
        return ["index"] + factors.map(\.name) + names + variances
    }

    /// A line per image; the first line names the columns. Factors are positions, counted from 0.
    public var csv: String {
        let size = codes.latentSize
        var text = columns.joined(separator: ",") + "\n"
        for (row, index) in codes.imageIndices.enumerated() {
            var cells = [String(index)] + factors.map { String($0.positions[row]) }
            cells += codes.means[row * size..<(row + 1) * size].map { "\($0)" }
            if codes.isVariational { cells += codes.logVariances[row * size..<(row + 1) * size].map { "\($0)" } }
            text += cells.joined(separator: ",") + "\n"
        }
        return text
    }

    /// The arrays `mean` (or `code`) and `log_variance` `[N, D]`, `index` `[N]`, and each factor `[N]`, all of 32-bit floats,
    /// which hold these whole numbers exactly; and the images `image` `[N, H, W, C]` of bytes.
    public func npz() throws -> [UInt8] {
        let (count, size) = (codes.imageCount, codes.latentSize)
        var arrays = [
            NamedTensor(path: meanName, shape: [count, size], values: codes.means)
        ]
        if codes.isVariational {
            arrays.append(NamedTensor(path: "log_variance", shape: [count, size], values: codes.logVariances))
        }
        arrays.append(NamedTensor(path: "index", shape: [count], values: codes.imageIndices.map(Float.init)))
        for factor in factors {
            arrays.append(NamedTensor(path: factor.name, shape: [count], values: factor.positions.map(Float.init)))
        }
        let shape = dataset.info.shape
        let images = try pictures.map { _ in
            ("image", [count, shape[1], shape[2], shape[0]], try dataset.images(codes.imageIndices))
        }
        return try NumPyArchive.encode(arrays, bytes: [images].compactMap(\.self), definition: "")
    }

    /// Rows that are put into a Parquet file together.
    private static let groupSize = 1000
    /// Names that no factor has in a Parquet file.
    private static let ownColumns: Set = ["index", "projection_x", "projection_y", "vector", "image"]

    /// The columns of the table, with the names or values of factors in place of their positions; `projection_x` and `projection_y`, two
    /// coordinates to look at; `vector`, the means or codes as a list; and `image`, PNG files.
    ///
    /// - Parameter axes: nil to leave out the two coordinates.
    public func parquet(_ axes: EmbeddingAxes?) throws -> [UInt8] {
        var writer = ParquetWriter()
        let size = codes.latentSize
        let points = axes?.project(codes).points
        for start in stride(from: 0, to: codes.imageCount, by: Self.groupSize) {
            let rows = start..<min(start + Self.groupSize, codes.imageCount)
            let indices = Array(codes.imageIndices[rows])
            var columns: [ParquetWriter.Column] = [("index", .integers(indices.map(Int.init)))]
            columns += factors.map { factor in
                let name = Self.ownColumns.contains(factor.name) ? factor.name + "_factor" : factor.name
                let positions = factor.positions[rows]
                if let values = dataset.info.factors?.first(where: { $0.name == factor.name })?.values {
                    return (name, .doubles(positions.map { values[$0] }))
                }
                let names = factor.positionNames(in: dataset.info)
                return (name, .texts(positions.map { names[$0] }))
            }
            if let points {
                columns.append(("projection_x", .doubles(points[rows].map(\.x))))
                columns.append(("projection_y", .doubles(points[rows].map(\.y))))
            }
            let means = Array(codes.means[rows.lowerBound * size..<rows.upperBound * size])
            columns.append(("vector", .vectors(means, width: size)))
            columns += Self.columns(meanName, means, size)
            if codes.isVariational {
                let logVariances = Array(codes.logVariances[rows.lowerBound * size..<rows.upperBound * size])
                columns += Self.columns("log_variance", logVariances, size)
            }
            if let pictures {
                let files = try pictures.images(dataset.tensor(indices)).map(ImageFiles.encodePNG)
                columns.append(("image", .pictures(zip(indices, files).map { ("\($0).png", $1) })))
            }
            try writer.add(rowCount: rows.count, columns)
        }
        return writer.finish()
    }

    private static func columns(_ name: String, _ values: [Float], _ size: Int) -> [ParquetWriter.Column] {
        (0..<size).map { d in
            ("\(name)_\(d)", .floats(stride(from: d, to: values.count, by: size).map { values[$0] }))
        }
    }
}

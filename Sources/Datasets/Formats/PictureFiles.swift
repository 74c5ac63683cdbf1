import FileSupport
import Glibc
import ImageFiles
import TensorCore

extension MemoryDataset {
    /// Pictures in files, as a data set of one split; its images are numbered in the order of `paths`.
    ///
    /// - Parameters:
    ///   - paths: files of pictures.
    ///   - shape: of one image, `[C, H, W]`.
    ///   - resizing: whether an image of another size is fitted.
    ///   - preparation: how the pictures became images that a model was trained on; nil to cut the largest part of the aspect
    ///     from the middle.
    /// - Throws: `ZooError` for a file that cannot be read or has another size, and where the shape is none of images.
    public init(
        pictures paths: [String], shape: Shape, resizing: Bool = false, preparation: ImagePreparation? = nil
    ) throws {
        let pixels = try paths.flatMap {
            try ChosenImage(file: $0, shape: shape, resizing: resizing, preparation: preparation).pixels
        }
        try self.init(name: "image files", shape: shape.dimensions, pixels: pixels)
    }
}

extension ImageFiles {
    /// A file itself, or the files of pictures in a folder, by name.
    ///
    /// - Throws: `ZooError` where a folder cannot be read or has none.
    public static func files(at path: String) throws -> [String] {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return [path] }
        let found = try FolderListing.names(in: path).sorted().filter { name in
            extensions.contains(name.lowercased().split(separator: ".").last.map(String.init) ?? "")
        }
        guard !found.isEmpty else {
            throw ZooError("\(path) has no \(kinds()) files", kind: .usage, code: .notFound, subject: .path(path))
        }
        return found.map { "\(path)/\($0)" }
    }
}
